package app_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gnet/internal/words"
	"gnet/stackprobe/app"
)

const (
	everyWord = "role source bytes 3000 repeat 10 write 1000 pause 10ms start 1s read 500 every 50ms read-start 2s mss 1000 rcvbuf 8192 sndbuf 9000 " +
		"scaling off sack off timestamps on nagle off delayed-ack off cc cubic rack on keepalive 5s,1s,3 user-timeout 10s time-wait 1m0s " +
		"listen on backlog 4 cookies on close reset after 2s"
	blanks = "  bytes\t0   close half "
)

func TestParseOptions(t *testing.T) {
	for text, want := range map[string]app.Options{
		"":     {},
		blanks: {HasBytes: true, End: app.EndHalf},
		everyWord: {Role: app.RoleSource, Bytes: 3000, HasBytes: true, Repeat: 10, Write: 1000, Pause: 10 * time.Millisecond, Start: time.Second, Read: 500,
			ReadPause: 50 * time.Millisecond, ReadStart: 2 * time.Second, End: app.EndReset, EndAfter: 2 * time.Second,
			Socket: app.Socket{MSS: 1000, RcvBuf: 8192, SndBuf: 9000, WindowScaling: app.Off, SACK: app.Off, Timestamps: app.On, Nagle: app.Off,
				DelayedAck: app.Off, Congestion: "cubic", RACK: app.On, Keepalive: 5 * time.Second, KeepaliveEvery: time.Second, KeepaliveCount: 3,
				UserTimeout: 10 * time.Second, TimeWait: time.Minute, Listen: app.On, Backlog: 4, Cookies: app.On}},
		"close never":           {End: app.EndNever},
		"close abrupt at 100ms": {End: app.EndAbrupt, EndAt: 100 * time.Millisecond},
		"keepalive 1h":          {Socket: app.Socket{Keepalive: time.Hour}},
		"role exchange":         {Role: app.RoleExchange},
		"close fin role sink":   {Role: app.RoleSink},
	} {
		got, err := app.ParseOptions(text)
		if d := cmp.Diff(want, got); err != nil || d != "" {
			t.Errorf("%q: %v, %s", text, err, d)
		}
	}
	o, _ := app.ParseOptions(everyWord)
	if d := cmp.Diff(everyWord, o.String()); d != "" {
		t.Error(d)
	}
}

// TestParseOptionsErrors: each error names the word, points at it, and says what could stand there.
func TestParseOptionsErrors(t *testing.T) {
	const (
		aTime     = "a time such as 20ms or 1s, at most 24h"
		keepalive = "times and a number such as 5s or 5s,1s,3: idle time, time between probes, how many"
	)
	for text, want := range map[string]words.Error{
		"bytes":               {Offset: 5, Want: "a number from 0 to 1073741824"},
		"bytes 1073741825":    {Word: "1073741825", Offset: 6, Want: "a number from 0 to 1073741824"},
		"bytes 010":           {Word: "010", Offset: 6, Want: "a number from 0 to 1073741824"},
		"bytes 1 bytes 2":     {Word: "bytes", Offset: 8, Want: "bytes only once"},
		"write 0":             {Word: "0", Offset: 6, Want: "a number from 1 to 1048576"},
		"pause 5":             {Word: "5", Offset: 6, Want: aTime},
		"pause -5s":           {Word: "-5s", Offset: 6, Want: aTime},
		"start 25h":           {Word: "25h", Offset: 6, Want: aTime},
		"role server":         {Word: "server", Offset: 5, Want: "exchange, echo, sink or source"},
		"role":                {Offset: 4, Want: "exchange, echo, sink or source"},
		"sack yes":            {Word: "yes", Offset: 5, Want: "on or off"},
		"sack":                {Offset: 4, Want: "on or off"},
		"cc New":              {Word: "New", Offset: 3, Want: "the name of a congestion control, such as cubic"},
		"cc sixteen_letters_": {Word: "sixteen_letters_", Offset: 3, Want: "the name of a congestion control, such as cubic"},
		"keepalive 0s":        {Word: "0s", Offset: 10, Want: keepalive},
		"keepalive 1s,2":      {Word: "1s,2", Offset: 10, Want: keepalive},
		"keepalive 1s,1s,0":   {Word: "1s,1s,0", Offset: 10, Want: keepalive},
		"keepalive 1s,,1,1":   {Word: "1s,,1,1", Offset: 10, Want: keepalive},
		"close":               {Offset: 5, Want: "fin, half, reset, abrupt or never"},
		"close soon":          {Word: "soon", Offset: 6, Want: "fin, half, reset, abrupt or never"},
		"close reset after":   {Offset: 17, Want: "a time such as 20ms or 1s"},
		"close reset at 0s":   {Word: "0s", Offset: 15, Want: "a time such as 20ms or 1s"},
		"close never at 1s":   {Word: "at", Offset: 12, Want: "no time: this end never closes"},
		"é bytes 1": {Word: "é", Want: "role, bytes, repeat, open, open-at, restart, reconnect, write, pause, start, read, every, read-start, mss, rcvbuf, sndbuf, scaling, sack, timestamps, nagle, " +
			"delayed-ack, df, cc, rack, keepalive, user-timeout, time-wait, listen, backlog, cookies or close"},
	} {
		o, err := app.ParseOptions(text)
		want.Text = text
		got, ok := errors.AsType[*words.Error](err)
		if !ok || o != (app.Options{}) {
			t.Errorf("%q: %v, %v", text, o, err)
			continue
		}
		if d := cmp.Diff(want, *got); d != "" {
			t.Errorf("%q: %s", text, d)
		}
	}
	_, err := app.ParseOptions("bytes 1 é 2")
	if e, _ := errors.AsType[*words.Error](err); e.Pointer() != "bytes 1 é 2\n        ^" {
		t.Error(e.Pointer())
	}
}

// FuzzOptions: what can be read is written so that it reads the same, and what cannot points into the text.
func FuzzOptions(f *testing.F) {
	f.Add(everyWord)
	f.Add(blanks)
	f.Add("close reset at 1s bytes x")
	f.Fuzz(func(t *testing.T, text string) {
		o, err := app.ParseOptions(text)
		if err != nil {
			e := err.(*words.Error)
			if e.Offset+len(e.Word) > len(text) || text[e.Offset:e.Offset+len(e.Word)] != e.Word {
				t.Fatalf("%+v", e)
			}
			e.Pointer()
			return
		}
		again, err := app.ParseOptions(o.String())
		if err != nil || again != o {
			t.Fatalf("%q became %q: %v", text, o.String(), err)
		}
	})
}
