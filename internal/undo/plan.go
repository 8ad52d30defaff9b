package undo

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"time"
)

// Schema is the name and number of the format of all files of this package.
const Schema = "gnet/undo/1"

// MaxPlan is the largest file in bytes that is written or read: a table of some hundred thousand routes.
const MaxPlan = 64 << 20

// Plan is one change of the host and what is needed to undo it. It is written before the change is made and never altered.
type Plan struct {
	// ID is what the change is called by: four letters and digits.
	ID string `json:"id"`
	// Domain says whose change it is; its Undo gets the plan.
	Domain string `json:"domain"`
	// What tells people what is changed: the words of the command. It may be text from outside.
	What string `json:"what"`
	// BootID is the boot in which the times below have a meaning.
	BootID string `json:"boot_id"`
	// Begun and Deadline are times of CLOCK_BOOTTIME.
	Begun    time.Duration `json:"begun_ns"`
	Deadline time.Duration `json:"deadline_ns"`
	// Time is the wall clock's at Begun, for people.
	Time time.Time `json:"time"`
	// Lasting is a change that lasts as long as the process that makes it: it is undone when that has ended, however that was.
	Lasting bool `json:"lasting,omitempty"`
	// Netns is where the change is made.
	Netns Namespace `json:"netns"`
	// Before is what was there, Change what is to be done: both are the domain's own. Null is read as nil.
	Before json.RawMessage `json:"before"`
	Change json.RawMessage `json:"change"`
	// Left is what was there after the change, the domain's own; nil when whoever made the change died before he
	// could tell: then all, some or nothing of Change was done. It is kept in a file of its own.
	Left json.RawMessage `json:"-"`
}

// Result is what a domain did to undo a change.
type Result struct {
	// Conflict is set when what was there was no longer as gnet had left it, so that not everything could be undone.
	Conflict bool `json:"conflict"`
	// Lines tell people what was done and what was not.
	Lines []string `json:"lines"`
}

// note is what is kept beside a plan: what the change left, or the result of undoing it.
type note struct {
	ID     string          `json:"id"`
	Left   json.RawMessage `json:"left,omitempty"`
	Result *Result         `json:"result,omitempty"`
	// Error is why the change could not be undone; Time the wall clock's.
	Error string    `json:"error,omitempty"`
	Time  time.Time `json:"time"`
}

// envelope is the whole of a file.
type envelope struct {
	Schema string `json:"schema"`
	// Sum is the SHA-256 of the bytes of Body.
	Sum  string          `json:"sha256"`
	Body json.RawMessage `json:"body"`
}

// seal encodes a plan or a note. There is one encoding for each value, so that a reader can tell any other bytes.
func seal(v any) ([]byte, error) {
	body, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(body)
	b, err := json.Marshal(envelope{Schema: Schema, Sum: hex.EncodeToString(sum[:]), Body: body})
	if err != nil {
		return nil, err
	}
	return append(b, '\n'), nil
}

// unseal decodes what seal wrote into v. All else is ErrDamaged.
func unseal(b []byte, v any) error {
	var e envelope
	if err := strict(b, &e); err != nil {
		return damaged(err.Error())
	}
	if e.Schema != Schema {
		return damaged("it is no " + Schema)
	}
	sum := sha256.Sum256(e.Body)
	if hex.EncodeToString(sum[:]) != e.Sum {
		return damaged("the checksum does not agree")
	}
	if err := strict(e.Body, v); err != nil {
		return damaged(err.Error())
	}
	if again, err := seal(v); err != nil || !bytes.Equal(again, b) {
		return damaged("it is not as it was written")
	}
	return nil
}

// text is what JSON can carry of s: a file has one encoding, and bytes that are not UTF-8 would be read back as others.
func text(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

func damaged(why string) error { return &Error{Op: "read the plan", Err: ErrDamaged, Why: why} }

// strict decodes one JSON value without keys that v does not have.
func strict(b []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	return d.Decode(v) // what follows the value does not survive the comparison of unseal
}

// decodePlan reads the plan of the change id.
func decodePlan(b []byte, id string) (*Plan, error) {
	p := new(Plan)
	if err := unseal(b, p); err != nil {
		return nil, err
	}
	if p.ID != id || !validID(id) {
		return nil, damaged("it is the plan of another change")
	}
	if p.Domain == "" || p.BootID == "" || p.Begun < 0 || p.Deadline <= p.Begun {
		return nil, damaged("it says too little")
	}
	p.Before, p.Change = given(p.Before), given(p.Change)
	return p, nil
}

// given is nil for the null that nil is written as.
func given(raw json.RawMessage) json.RawMessage {
	if string(raw) == "null" {
		return nil
	}
	return raw
}

// decodeNote reads a note about the change id.
func decodeNote(b []byte, id string) (*note, error) {
	n := new(note)
	if err := unseal(b, n); err != nil {
		return nil, err
	}
	if n.ID != id {
		return nil, damaged("it is about another change")
	}
	return n, nil
}

// letters are those of an id: none that is easily taken for another.
const letters = "abcdefghjkmnpqrstuvwxyz23456789"

const idLen = 4

// validID reports whether id can be the name of a change.
func validID(id string) bool {
	return len(id) == idLen && strings.Trim(id, letters) == ""
}
