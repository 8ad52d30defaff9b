package main

import (
	"bytes"
	"context"
	"io"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gnet/stackprobe"
	"gnet/stackprobe/event"
	"gnet/stackprobe/link"
	"gnet/stackprobe/view"
)

// datagramPictures are the runs of which the picture is kept, in testdata/pictures/datagrams-WIDTH/NAME.txt.
var datagramPictures = []struct {
	name   string
	config stackprobe.DatagramConfig
	mtus   string
	faults string
}{
	{"plain", stackprobe.DatagramConfig{Size: 4000}, "1500", ""},
	{"path", stackprobe.DatagramConfig{Size: 4000}, "1500,1450,1400", ""},
	{"lost", stackprobe.DatagramConfig{Size: 4000}, "1500", "drop frag 2"},
	{"reordered", stackprobe.DatagramConfig{Size: 4000}, "1500", "reorder by 2 frag 1"},
	{"doubled", stackprobe.DatagramConfig{Size: 4000}, "1500", "dup frag 2"},
	{"overlapping", stackprobe.DatagramConfig{Size: 4000}, "1500", "overlap frag 2"},
	{"df", stackprobe.DatagramConfig{Size: 1500, DF: true, TOS: 0xb8}, "1500,1400", ""},
	{"local", stackprobe.DatagramConfig{Size: 4000, DF: true}, "1500", ""},
	{"ttl", stackprobe.DatagramConfig{Size: 100, TTL: 5}, "1500,1500,1500,1500,1500,1500,1500", ""},
	{"loop", stackprobe.DatagramConfig{Size: 100, TTL: 8, Loop: true}, "1500,1500,1500", ""},
	{"ipv6", stackprobe.DatagramConfig{Size: 3000, IPv6: true}, "1500,1400", ""},
	{"many", stackprobe.DatagramConfig{Size: 9000}, "576,296", ""},
	{"options", stackprobe.DatagramConfig{Size: 1000}, "576,576", ""},
}

// datagramEvents runs one of them.
func datagramEvents(t *testing.T, i int) []event.Event {
	t.Helper()
	d := datagramPictures[i]
	c := d.config
	c.World, c.Seed, c.Delay, c.Version = stackprobe.Memory, 1, 20*time.Millisecond, "test"
	if c.TTL == 0 {
		c.TTL = 64
	}
	for text := range strings.SplitSeq(d.mtus, ",") {
		mtu, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		c.MTUs = append(c.MTUs, mtu)
	}
	if d.faults != "" {
		r, err := link.ParseDatagramRule(d.faults)
		if err != nil {
			t.Fatal(err)
		}
		c.Faults = []link.Rule{r}
	}
	if d.name == "options" {
		for _, text := range []string{"rr 3", "ra", "ts 2"} {
			o, ok := stackprobe.ParseIPOption(text)
			if !ok {
				t.Fatal(text)
			}
			c.Options = append(c.Options, o)
		}
	}
	var events []event.Event
	for e, err := range stackprobe.RunDatagrams(context.Background(), c) {
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, *e)
	}
	return events
}

// TestDatagramPictures draws each run at three widths and in ASCII, and compares with what is kept.
func TestDatagramPictures(t *testing.T) {
	for i, d := range datagramPictures {
		t.Run(d.name, func(t *testing.T) {
			events := datagramEvents(t, i)
			for name, o := range map[string]view.Options{"datagrams-80": {Width: 80}, "datagrams-80-ascii": {Width: 80, ASCII: true}, "datagrams-120": {Width: 120}, "datagrams-40": {Width: 40}} {
				got := drawn(t, func(w io.Writer) eventView { return view.NewDatagrams(w, o) }, events)
				for _, line := range strings.Split(got, "\n") {
					if n := len([]rune(line)); n > o.Width {
						t.Errorf("%s: %d columns: %s", name, n, line)
					}
				}
				comparePicture(t, filepath.Join("testdata", "pictures", name, d.name+".txt"), []byte(got))
			}
		})
	}
}

// drawn gives events to a view and returns what it writes.
func drawn(t *testing.T, make func(io.Writer) eventView, events []event.Event) string {
	t.Helper()
	var out bytes.Buffer
	v := make(&out)
	for i := range events {
		if err := v.Event(&events[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// TestDatagramView_chosen: a run of datagrams gets its picture whatever the picture of connections is, and a run of connections
// never gets it.
func TestDatagramView_chosen(t *testing.T) {
	events := datagramEvents(t, 0)
	want := drawn(t, func(w io.Writer) eventView { return view.NewDatagrams(w, view.Options{Width: 80}) }, events)
	for _, s := range screenViews() {
		if d := cmp.Diff(want, drawn(t, func(w io.Writer) eventView { return s.choose(w, view.Options{Width: 80}) }, events)); d != "" {
			t.Errorf("--view %s: %s", s.word, d)
		}
	}
	lesson := lessonEvents(t, "handshake")
	s := screenViews()[0]
	want = drawn(t, func(w io.Writer) eventView { return s.make(w, view.Options{Width: 80}) }, lesson)
	if d := cmp.Diff(want, drawn(t, func(w io.Writer) eventView { return s.choose(w, view.Options{Width: 80}) }, lesson)); d != "" {
		t.Error(d)
	}
}
