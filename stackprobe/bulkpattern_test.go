package stackprobe

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"gnet/internal/nstest"
	"gnet/stackprobe/app"
	"gnet/stackprobe/event"
)

// TestBulkPattern: what is sent is the pattern over and over, and of what arrives the first wrong, missing, doubled or misplaced
// part is found, however the reads fall.
func TestBulkPattern(t *testing.T) {
	const whole = 20
	const n = whole*bulkPeriod + 1000
	p := newBulkPattern(7)
	period := make([]byte, bulkPeriod)
	app.NewPattern(7).Fill(period, 0)
	var sent, fetched bytes.Buffer
	for w, got := range map[io.Writer]*bytes.Buffer{&sent: &sent, fetching{t, &fetched}: &fetched} {
		if k, err := p.send(w, func(done int64) int64 { return n - done }); k != n || err != nil {
			t.Fatalf("%d octets of %d, %v", k, n, err)
		}
		if !bytes.Equal(got.Bytes(), slices.Concat(bytes.Repeat(period, whole), period[:1000])) {
			t.Fatalf("what was sent to %T is not the pattern over and over", w)
		}
	}
	flip := func(at int) []byte {
		b := slices.Clone(sent.Bytes())
		b[at] ^= 1
		return b
	}
	all := sent.Bytes()
	for name, tt := range map[string]struct {
		arrived []byte
		right   int64
		err     string
	}{
		"all":                    {all, n, ""},
		"less":                   {all[:n-1], n - 1, ""},
		"nothing":                {nil, 0, ""},
		"the first octet":        {flip(0), 0, "wrong data within 16381 octets behind the first 0"},
		"the last octet":         {flip(n - 1), whole * bulkPeriod, "wrong data within 1000 octets behind the first 327620"},
		"a segment is missing":   {slices.Delete(slices.Clone(all), 1448, 2896), 0, "wrong data within 16381 octets behind the first 0"},
		"64 KiB come twice":      {slices.Concat(all[:1<<16], all), 4 * bulkPeriod, "wrong data within 16381 octets behind the first 65524"},
		"a buffer of 256 KiB":    {all[1<<18:], 0, "wrong data within 16381 octets behind the first 0"},
		"two pages change place": {slices.Concat(all[:4096], all[8192:12288], all[4096:8192], all[12288:]), 0, "wrong data within 16381 octets behind the first 0"},
	} {
		right, err := p.receive(&wholeReads{tt.arrived})
		if text := errText(err); right != tt.right || text != tt.err {
			t.Errorf("%s: %d right, %q, want %d, %q", name, right, text, tt.right, tt.err)
		}
		right, err = p.receive(iotest.HalfReader(bytes.NewReader(tt.arrived)))
		if (err != nil) != (tt.err != "") || err == nil && right != tt.right {
			t.Errorf("%s in halves: %d right, %v", name, right, err)
		}
	}
}

// TestBulkPattern_failing: an error of the writer or the reader comes back with what was done before it.
func TestBulkPattern_failing(t *testing.T) {
	p, broken := newBulkPattern(1), errors.New("broken")
	if n, err := p.send(failingWriter{broken}, func(int64) int64 { return 10 }); n != 3 || err != broken {
		t.Errorf("send: %d, %v", n, err)
	}
	if n, err := p.receive(io.MultiReader(bytes.NewReader(p[:5]), iotest.ErrReader(broken))); n != 5 || err != broken {
		t.Errorf("receive: %d, %v", n, err)
	}
}

// fetching is a writer that fetches what it is to write, and then takes all but the last octet of it.
type fetching struct {
	t  *testing.T
	to *bytes.Buffer
}

func (f fetching) Write([]byte) (int, error) {
	f.t.Error("nothing was to be fetched")
	return 0, io.ErrClosedPipe
}

func (f fetching) WriteFrom(src io.ReaderAt, off int64, n int) (int, error) {
	n = max(n-1, 1)
	k, err := io.Copy(f.to, io.NewSectionReader(src, off, int64(n)))
	return int(k), err
}

// failingWriter takes three octets and fails.
type failingWriter struct{ err error }

func (w failingWriter) Write([]byte) (int, error) { return 3, w.err }

// wholeReads gives each reader as much as it has room for, as far as the period goes.
type wholeReads struct{ rest []byte }

func (r *wholeReads) Read(p []byte) (int, error) {
	if len(r.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), bulkPeriod)], r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// TestBulk_wrongData: one wrong octet among gigabytes ends a run that would have gone on for an hour, with the place.
func TestBulk_wrongData(t *testing.T) {
	nstest.Require(t, nstest.Netns, nstest.TUN)
	for to := event.Client; to <= event.Server; to++ {
		b, err := OpenBulk(t.Context(), BulkConfig{Bytes: 1 << 40})
		if err != nil {
			t.Fatal(err)
		}
		b.ends[to] = &flippingEnd{bulkEnd: b.ends[to], at: 10 << 20}
		tr, err := b.transfer(to.Peer())
		b.Close()
		if err == nil || !strings.HasPrefix(err.Error(), "wrong data within ") || tr.Bytes > 10<<20 || tr.Bytes < 9<<20 {
			t.Errorf("to the %s: %d right, %v", to, tr.Bytes, err)
		}
	}
}

// flippingEnd spoils one octet of what is read.
type flippingEnd struct {
	bulkEnd
	at int
}

func (f *flippingEnd) Read(p []byte) (int, error) {
	n, err := f.bulkEnd.Read(p)
	if f.at >= 0 && f.at < n {
		p[f.at] ^= 1
	}
	f.at -= n
	return n, err
}
