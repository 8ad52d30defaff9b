package words_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gnet/internal/words"
)

func TestWalk(t *testing.T) {
	w := words.Walk(" é  two\tthree ")
	type place struct{ Word, Peek, Pointer string }
	var got []place
	for w.Next() {
		got = append(got, place{w.Word, w.Peek(), w.Fail("x").Pointer()})
	}
	want := []place{{"é", "two", " é  two\tthree \n ^"}, {"two", "three", " é  two\tthree \n    ^"}, {"three", "", " é  two\tthree \n        ^"}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if e := w.Fail("more"); e.Error() != `" é  two\tthree ": ends where more should follow` || e.Word != "" || e.Offset != len(" é  two\tthree ") {
		t.Errorf("%v, %+v", e, e)
	}
}

func TestNumber(t *testing.T) {
	for s, want := range map[string]int64{"0": 0, "7": 7, "100": 100, "": -1, "101": -1, "07": -1, "+7": -1, "-7": -1, "7x": -1, "99999999999999999999": -1} {
		n, ok := words.Number(s, 0, 100)
		if ok != (want >= 0) || ok && n != want {
			t.Errorf("%q: %d, %t", s, n, ok)
		}
	}
}

func TestDuration(t *testing.T) {
	for s, want := range map[string]time.Duration{"0s": 0, "20ms": 20 * time.Millisecond, "1m0s": time.Minute, "": -1, "5": -1, "-1s": -1, "+1s": -1, "61s": -1, "1s ": -1} {
		d, ok := words.Duration(s, time.Minute)
		if ok != (want >= 0) || ok && d != want {
			t.Errorf("%q: %v, %t", s, d, ok)
		}
	}
}
