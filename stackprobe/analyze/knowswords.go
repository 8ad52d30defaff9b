package analyze

import (
	"slices"
	"strings"

	"gnet/stackprobe/event"
)

// Question is a sentence about what one end knows, which holds at a moment or not; see Lookup.
type Question struct {
	Host   event.Host
	Matter Matter
	// Value is what the matter must be, None for any.
	Value Value
	// Verdict is how it must stand to what the end holds, Nothing for an end that does not know it, whether it is so or
	// not.
	Verdict Verdict
}

// LookupError is a word that says nothing here.
type LookupError struct {
	// Index is the word's place, from 0; it is the number of words if one is missing.
	Index int
	// Word is "" if one is missing; Want lists what could stand there.
	Word string
	Want []string
}

// Error names the word and what could stand in its place.
func (e *LookupError) Error() string {
	want := "want " + strings.Join(e.Want, ", ")
	if e.Word == "" {
		return "a word is missing: " + want
	}
	return `"` + e.Word + `": ` + want
}

// verdictWords stand in front of a question; without one the end must know.
func verdictWords() []string { return []string{"not", "unaware", "assumes", "wrong"} }

// Lookup returns the question of some words:
//
//	[not|unaware|assumes|wrong] client|server MATTER
//
// where MATTER is "client->server open", "closed" or "carries", the same with server->client, "client-number confirmed", "server-number
// confirmed", or "syn", "synack", "ack", "fin" or "finack" with "arrived". Of a direction the far half is meant: whether the
// peer reads, or sends. The error is a *LookupError.
func Lookup(words []string) (Question, error) {
	q := Question{Verdict: Sure}
	at := 0
	next := func(want ...string) (int, error) {
		word := ""
		if at < len(words) {
			word = words[at]
		}
		i := slices.Index(want, word)
		if i < 0 {
			return 0, &LookupError{at, word, want}
		}
		at++
		return i, nil
	}
	ends := []string{event.Client.String(), event.Server.String()}
	i, err := next(append(verdictWords(), ends...)...)
	if err != nil {
		return q, err
	}
	if n := len(verdictWords()); i < n {
		q.Verdict = [...]Verdict{Nothing, Unaware, Assumes, Wrong}[i]
		if i, err = next(ends...); err != nil {
			return q, err
		}
	} else {
		i -= n
	}
	q.Host = event.Host(i + 1)
	if i, err = next(matterWords()...); err != nil {
		return q, err
	}
	if err = q.about(i, next); err == nil && at < len(words) {
		err = &LookupError{at, words[at], []string{"nothing more"}}
	}
	return q, err
}

func matterWords() []string {
	return []string{"client->server", "server->client", "client-number", "server-number", "syn", "synack", "ack", "fin", "finack"}
}

// about reads the matter, i being the place of its first word in matterWords.
func (q *Question) about(i int, next func(...string) (int, error)) error {
	own := q.Host == event.Host(i%2+1) // for the first four: whether the direction or the number is the end's own
	switch {
	case i < 2:
		j, err := next("open", "closed", "carries")
		switch {
		case j == 2 && own:
			q.Matter, q.Value = OwnNumber, Yes
		case j == 2:
			q.Matter, q.Value = PeerNumber, Yes
		case own:
			q.Matter, q.Value = PeerReads, Open+Value(j)
		default:
			q.Matter, q.Value = PeerWrites, Open+Value(j)
		}
		return err
	case i < 4:
		_, err := next("confirmed")
		q.Matter, q.Value = PeerNumber, Yes
		if own {
			q.Matter = OwnNumber
		}
		return err
	}
	_, err := next("arrived")
	q.Matter, q.Value = [...]Matter{OwnNumber, AckArrived, AckArrived, FinArrived, FinAckArrived}[i-4], Yes
	return err
}

// Holds reports whether the answer to q is yes on the connection conn as the events so far stand, and what was found: how
// the matter stands in words.
func (k *Knows) Holds(conn int, q Question) (holds bool, found View) {
	v, _ := k.Look(conn, q.Host, q.Matter)
	so := v.Value == q.Value
	if q.Verdict == Nothing {
		return !(v.Verdict == Sure && so), v
	}
	return v.Verdict == q.Verdict && so, v
}

// Words returns a matter as Lookup reads it, as host's.
func (m Matter) Words(host event.Host, v Value) string {
	own, back := host.String()+"->"+host.Peer().String(), host.Peer().String()+"->"+host.String()
	half := " open"
	if v == Closed {
		half = " closed"
	}
	switch m {
	case OwnNumber:
		return host.String() + "-number confirmed"
	case PeerNumber:
		return host.Peer().String() + "-number confirmed"
	case AckArrived:
		return "ack arrived"
	case PeerReads:
		return own + half
	case PeerWrites:
		return back + half
	case FinArrived:
		return "fin arrived"
	case FinAckArrived:
		return "finack arrived"
	}
	return ""
}
