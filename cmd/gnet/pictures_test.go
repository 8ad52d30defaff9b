package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/internal/render"
	"gnet/stackprobe"
	"gnet/stackprobe/event"
	"gnet/stackprobe/scenario"
	"gnet/stackprobe/view"
)

// pictures are the views whose picture of every lesson is kept, in testdata/pictures/NAME/LESSON.ENDING.
var pictures = []struct {
	name, ending string
	make         func(io.Writer, view.Options) eventView
	options      view.Options
}{
	{"ladder-80", "txt", makeLadder, view.Options{Width: 80}},
	{"ladder-80-ascii", "txt", makeLadder, view.Options{Width: 80, ASCII: true}},
	{"ladder-120", "txt", makeLadder, view.Options{Width: 120}},
	{"html", "txt", makePageText, view.Options{}},
	{"summary", "txt", makeSummary, view.Options{Width: 80}},
	{"summary-json", "json", makeSummaryJSON, view.Options{}},
	{"ladder-120-ascii", "txt", makeLadder, view.Options{Width: 120, ASCII: true}},
	{"svg", "svg", func(w io.Writer, o view.Options) eventView { return view.NewSVG(w, o) }, view.Options{}},
	{"plot", "txt", func(w io.Writer, o view.Options) eventView { return view.NewPlot(w, o) }, view.Options{Width: 80}},
	{"plot-ascii", "txt", func(w io.Writer, o view.Options) eventView { return view.NewPlot(w, o) }, view.Options{Width: 80, ASCII: true}},
	{"window", "txt", makeWindow, view.Options{Width: 80}},
	{"window-120-ascii", "txt", makeWindow, view.Options{Width: 120, ASCII: true}},
}

func makeLadder(w io.Writer, o view.Options) eventView { return view.NewLadder(w, o) }

func makeWindow(w io.Writer, o view.Options) eventView { return view.NewWindow(w, o) }

func makeSummary(w io.Writer, o view.Options) eventView { return view.NewSummary(w, o) }

// figuresView is the machine form of the summary.
type figuresView struct {
	*summaryDocument
	out *output
}

func (d figuresView) Event(e *event.Event) error { return d.event(e) }

func (d figuresView) Close() error { return errors.Join(d.close(), d.out.finish()) }

func makeSummaryJSON(w io.Writer, _ view.Options) eventView {
	out := newOutput(w)
	return figuresView{&summaryDocument{e: &env{Stdout: out}, format: render.JSON}, out}
}

// TestPictures draws every lesson that runs in virtual time with every view, and compares with what is kept.
func TestPictures(t *testing.T) {
	for _, name := range scenario.Names() {
		t.Run(name, func(t *testing.T) {
			events := lessonEvents(t, name)
			if events == nil {
				return // it is about the kernel's own conduct, in real time
			}
			for _, p := range pictures {
				var got bytes.Buffer
				v := p.make(&got, p.options)
				for i := range events {
					if err := v.Event(&events[i]); err != nil {
						t.Fatal(err)
					}
				}
				if err := v.Close(); err != nil {
					t.Fatal(err)
				}
				comparePicture(t, filepath.Join("testdata", "pictures", p.name, name+"."+p.ending), got.Bytes())
			}
		})
	}
}

// lessonEvents runs a lesson in memory. It returns nil for one that needs the kernel.
func lessonEvents(t *testing.T, name string) []event.Event {
	t.Helper()
	s, err := scenario.Lesson(name)
	if err != nil {
		t.Fatal(err)
	}
	c, err := stackprobe.Prepare(s)
	if err != nil {
		t.Fatal(err)
	}
	if c.World != stackprobe.Memory {
		return nil
	}
	c.Version = "test"
	var events []event.Event
	for e, err := range stackprobe.Run(context.Background(), c) {
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, *e)
	}
	return events
}

// comparePicture compares got with the kept file, or writes it with -update.
func comparePicture(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}
