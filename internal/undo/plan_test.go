package undo_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gnet/internal/undo"
)

func somePlan() *undo.Plan {
	return &undo.Plan{
		ID: "ab2c", Domain: "host", What: "write <new> \x1b", BootID: "3f0c", Begun: 5, Deadline: 7,
		Time: time.Unix(1700000000, 12).UTC(), Netns: undo.Namespace{Inode: 4026531840, Cookie: 1 << 63},
		Before: json.RawMessage(`{"a":[1,"\u003c"]}`),
	}
}

func sealed(t testing.TB, v any) []byte {
	t.Helper()
	b, err := undo.Seal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestPlan_readAsWritten(t *testing.T) {
	want := somePlan()
	got, err := undo.DecodePlan(sealed(t, want), "ab2c")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// No bit and no byte of a plan may be lost.
func TestPlan_damaged(t *testing.T) {
	whole := sealed(t, somePlan())
	refused := func(what string, n int, b []byte) {
		t.Helper()
		if p, err := undo.DecodePlan(b, "ab2c"); !errors.Is(err, undo.ErrDamaged) {
			t.Fatalf("%s at %d: %+v, %v; want ErrDamaged", what, n, p, err)
		}
	}
	for n := range whole {
		refused("cut", n, whole[:n])
		for bit := range 8 {
			b := []byte(string(whole))
			b[n] ^= 1 << bit
			refused("flipped", n, b)
		}
	}
	refused("twice", 0, append([]byte(string(whole)), whole...))
}

// A checksum that is right does not make a plan right.
func TestPlan_wrong(t *testing.T) {
	for name, spoil := range map[string]func(*undo.Plan){
		"of another change":      func(p *undo.Plan) { p.ID = "ab2d" },
		"no domain":              func(p *undo.Plan) { p.Domain = "" },
		"no boot":                func(p *undo.Plan) { p.BootID = "" },
		"deadline before begin":  func(p *undo.Plan) { p.Deadline = p.Begun },
		"before the machine was": func(p *undo.Plan) { p.Begun = -1 },
	} {
		p := somePlan()
		spoil(p)
		if got, err := undo.DecodePlan(sealed(t, p), "ab2c"); !errors.Is(err, undo.ErrDamaged) {
			t.Errorf("%s: %+v, %v; want ErrDamaged", name, got, err)
		}
	}
	other := strings.Replace(string(sealed(t, somePlan())), undo.Schema, "gnet/undo/2", 1)
	if _, err := undo.DecodePlan([]byte(other), "ab2c"); !errors.Is(err, undo.ErrDamaged) || !strings.Contains(err.Error(), undo.Schema) {
		t.Errorf("of another schema: %v", err)
	}
}

// FuzzPlan: what is read is what was written, byte for byte, and nothing else is read.
func FuzzPlan(f *testing.F) {
	f.Add(sealed(f, somePlan()))
	f.Add(sealed(f, &undo.Noted{ID: "ab2c", Left: json.RawMessage(`{"Word":"new"}`)}))
	f.Add(sealed(f, &undo.Noted{ID: "ab2c", Result: &undo.Result{Conflict: true, Lines: []string{"x"}}, Error: "y"}))
	f.Add([]byte(`{"schema":"gnet/undo/1","sha256":"44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","body":{}}` + "\n"))
	f.Add([]byte(`{"schema":"gnet/undo/1","sha256":"","body":null}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if p, err := undo.DecodePlan(b, "ab2c"); err == nil {
			if again := sealed(t, p); string(again) != string(b) {
				t.Errorf("read from %q, written as %q", b, again)
			}
		}
		if n, err := undo.DecodeNote(b, "ab2c"); err == nil {
			if again := sealed(t, n); string(again) != string(b) {
				t.Errorf("read from %q, written as %q", b, again)
			}
		}
	})
}
