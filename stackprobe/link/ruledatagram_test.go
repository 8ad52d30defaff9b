package link

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gnet/stackprobe/event"
)

func TestParseDatagramRule(t *testing.T) {
	for text, want := range map[string]Rule{
		"drop frag 2":                      {Action: event.Drop, Match: MatchFrag, Link: 1, Low: 2, High: 2},
		"client>  link 3 dup frag 2-4":     {From: event.Client, Action: event.Dup, Match: MatchFrag, Link: 3, Low: 2, High: 4},
		"server> drop icmp":                {From: event.Server, Action: event.Drop, Match: MatchICMP, Link: 1},
		"overlap frag 2":                   {Action: event.Overlap, Match: MatchFrag, Link: 1, Low: 2, High: 2},
		"reorder by 2 any 1":               {Action: event.Reorder, By: 2, Link: 1, Low: 1, High: 1},
		"link 2 delay 5ms jitter 1ms frag": {Action: event.Delay, Delay: 5 * time.Millisecond, Jitter: time.Millisecond, Match: MatchFrag, Link: 2},
		"overlap at 1s":                    {Action: event.Overlap, Link: 1, Low: 1, High: 1, Since: time.Second},
		"link 32 down 1s..2s":              {Action: event.Down, Link: 32, Since: time.Second, Until: 2 * time.Second},
	} {
		got, err := ParseDatagramRule(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
		}
		want.Text = got.Text // one blank between its words
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%q: %s", text, d)
		}
	}
}

func TestParseDatagramRule_wrong(t *testing.T) {
	for text, want := range map[string]string{
		"":                    `fault "": ends where client>, server>, "link 2", ` + wantDatagramAction + ` should follow`,
		"mtu 1400":            `fault "mtu 1400": "mtu": want client>, server>, "link 2", ` + wantDatagramAction,
		"drop data 2":         `fault "drop data 2": "data": want any, frag or icmp, "at 1s" or 1s..2s`,
		"drop frag first 3":   `fault "drop frag first 3": "first": want a number, a range like 2-4, "at 1s" or 1s..2s`,
		"link 0 drop":         `fault "link 0 drop": "0": want the place of a link on the path, from 1`,
		"link 33 drop":        `fault "link 33 drop": "33": want the place of a link on the path, from 1`,
		"drop frag 2 3":       `fault "drop frag 2 3": "3": want "at 1s" or 1s..2s`,
		"drop frag 2 at 1s x": `fault "drop frag 2 at 1s x": "x": want nothing more`,
		"down frag":           `fault "down frag": "frag": want "at 1s" or 1s..2s`,
		"overlp frag 2":       `fault "overlp frag 2": "overlp": want client>, server>, "link 2", ` + wantDatagramAction + `; did you mean "overlap"?`,
	} {
		if _, err := ParseDatagramRule(text); err == nil || err.Error() != want {
			t.Errorf("%v\nwant %s", err, want)
		}
	}
}

// The words of the two grammars stay apart.
func TestParseRule_datagramWords(t *testing.T) {
	for _, text := range []string{"drop frag 2", "link 1 drop", "overlap"} {
		if r, err := ParseRule(text); err == nil {
			t.Errorf("%q is %+v", text, r)
		}
	}
}

func FuzzParseDatagramRule(f *testing.F) {
	for _, text := range []string{"drop frag 2", "client> link 3 dup frag 2-4 at 1s", "overlap", "burst 1%,25% icmp 1s..2s", "rate 1M queue 10", "reorder by 2 any 1"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := ParseDatagramRule(text)
		if err != nil {
			return
		}
		if r.Link < 1 || r.Link > MaxLinks || r.First || r.Action == event.MTU {
			t.Fatalf("%q: %+v", text, r)
		}
		again, err := ParseDatagramRule(r.Text)
		if d := cmp.Diff(r, again); err != nil || d != "" {
			t.Fatalf("%q: %v: %s", text, err, d)
		}
	})
}
