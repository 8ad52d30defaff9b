package undo_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gnet/internal/nstest"
	"gnet/internal/undo"
)

// lasting is the change of spec, as one that lasts as long as its process.
func (w *world) lasting() undo.Spec {
	s := spec(w.file, time.Hour)
	s.Lasting = true
	return s
}

// begin begins a lasting change in this process and makes it.
func (w *world) begin() *undo.Change {
	w.t.Helper()
	c, err := w.Begin(context.Background(), w.lasting())
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { w.kill(c.Keeper, c.Plan.ID) })
	w.write("new")
	return c
}

// others are the words of the lasting changes of a domain that are in force, but one.
func (w *world) others(domain, except string) []string {
	w.t.Helper()
	var words []string
	err := w.Others(domain, except, func(raw json.RawMessage) error {
		var c hostChange
		err := json.Unmarshal(raw, &c)
		words = append(words, c.Word)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	slices.Sort(words)
	return words
}

// TestLasting_undo: it is undone by its keeper when its process says so, once, long before its time.
func TestLasting_undo(t *testing.T) {
	w := newWorld(t)
	c := w.begin()
	got, err := c.Undo(context.Background(), domains())
	if err != nil {
		t.Fatal(err)
	}
	w.equal("result", *putBack, got)
	w.equal("entry", entry{State: undo.Undone, Result: putBack}, w.settled(c.Plan.ID))
	w.equal("host and calls", []string{"old", c.Plan.ID + " from new"}, []string{w.read(""), w.read(".log")})
}

// TestLasting_undoWithoutKeeper: where the keeper was killed, the process undoes its change itself.
func TestLasting_undoWithoutKeeper(t *testing.T) {
	w := newWorld(t)
	c := w.begin()
	w.kill(c.Keeper, c.Plan.ID)
	got, err := c.Undo(context.Background(), domains())
	if err != nil {
		t.Fatal(err)
	}
	w.equal("result", *putBack, got)
	w.equal("host and calls", []string{"old", c.Plan.ID + " from new"}, []string{w.read(""), w.read(".log")})
}

// TestLasting_undoFails: what could not be undone is an error, with the reason, and stays in the list.
func TestLasting_undoFails(t *testing.T) {
	w := newWorld(t)
	c := w.begin()
	w.touch(".fail")
	_, err := c.Undo(context.Background(), domains())
	if !errors.Is(err, undo.ErrFailed) {
		t.Errorf("%v, want ErrFailed", err)
	}
	w.equal("host", "new", w.read(""))
	w.equal("state", undo.Failed, w.settled(c.Plan.ID).State)
}

// TestLasting_processKilled: the keeper undoes it when its process has ended, however long it might have lasted.
func TestLasting_processKilled(t *testing.T) {
	w := newWorld(t)
	s := w.change(time.Hour, "lasting")
	w.equal("before", "new", w.read(""))
	s.killed()
	w.equal("entry", entry{State: undo.Undone, Result: putBack}, w.settled(s.id))
	w.equal("host and calls", []string{"old", s.id + " from new"}, []string{w.read(""), w.read(".log")})
}

// TestLasting_bothKilled: the next process that looks undoes it, though its time has not come.
func TestLasting_bothKilled(t *testing.T) {
	w := newWorld(t)
	s := w.change(time.Hour, "lasting")
	w.kill(s.keeper, s.id)
	until(t, "the keeper's end", func() bool { return unix.Kill(s.keeper, 0) != nil })
	w.equal("while its process runs", 0, len(w.repair()))
	s.killed()
	done := w.repair()
	if len(done) != 1 || done[0].Err != nil {
		t.Fatalf("repaired: %+v", done)
	}
	w.equal("host and calls", []string{"old", s.id + " from new"}, []string{w.read(""), w.read(".log")})
}

// TestLasting_noConfirmation: nobody can make it stay.
func TestLasting_noConfirmation(t *testing.T) {
	w := newWorld(t)
	c := w.begin()
	if _, err := w.Confirm(c.Plan.ID); err == nil {
		t.Error("it was confirmed")
	}
	if _, err := c.Undo(context.Background(), domains()); err != nil {
		t.Error(err)
	}
	w.equal("host", "old", w.read(""))
}

// TestOthers: the lasting changes in force are told, of this domain and namespace, but one's own; no others.
func TestOthers(t *testing.T) {
	w := newWorld(t)
	w.equal("an empty directory", []string(nil), w.others("host", ""))
	plan := func(s undo.Spec, word string) *undo.Change {
		raw, err := json.Marshal(hostChange{w.file, word})
		must(t, err)
		s.Change = raw
		c, err := w.WriteOnly(s)
		must(t, err)
		return c
	}
	plan(spec(w.file, time.Hour), "not lasting")
	strange := w.lasting()
	strange.Domain = "strange"
	plan(strange, "of another domain")
	first := plan(w.lasting(), "first")
	plan(w.lasting(), "second")
	w.equal("all", []string{"first", "second"}, w.others("host", ""))
	w.equal("but the first", []string{"second"}, w.others("host", first.Plan.ID))
	stop := errors.New("stop")
	if err := w.Others("host", "", func(json.RawMessage) error { return stop }); err != stop {
		t.Errorf("%v, want the caller's error", err)
	}
}

// TestOthers_namespace: what another namespace's changes are does not matter here.
func TestOthers_namespace(t *testing.T) {
	nstest.Require(t, nstest.Netns)
	nstest.InNetns(t, func(t *testing.T) {
		d, err := undo.Make(t.TempDir() + "/gnet")
		must(t, err)
		defer d.Close()
		w := &world{Dir: d, t: t, file: t.TempDir() + "/host"}
		other := nstest.NewHost(t, "other")
		other.Do(t, func() error {
			_, err := d.WriteOnly(w.lasting())
			return err
		})
		w.equal("here", []string(nil), w.others("host", ""))
		other.Do(t, func() error {
			w.equal("there", []string{"new"}, w.others("host", ""))
			return nil
		})
	})
}

// TestExclusive: one at a time, and the error is the caller's.
func TestExclusive(t *testing.T) {
	w := newWorld(t)
	again, err := undo.Open(w.path)
	must(t, err)
	defer again.Close()
	// A channel, because the race detector does not know that a lock on a file orders what happens under it.
	order := make(chan string, 2)
	entered, done := make(chan bool), make(chan error)
	stop := errors.New("stop")
	go func() {
		<-entered
		done <- again.Exclusive(func() error {
			order <- "second"
			return stop
		})
	}()
	must(t, w.Exclusive(func() error {
		close(entered)
		for range 20 { // the second has every chance to come in
			time.Sleep(time.Millisecond)
		}
		order <- "first"
		return nil
	}))
	if err := <-done; err != stop {
		t.Errorf("%v, want the caller's error", err)
	}
	w.equal("order", []string{"first", "second"}, []string{<-order, <-order})
}
