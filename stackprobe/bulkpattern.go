package stackprobe

import (
	"bytes"
	"fmt"
	"io"

	"gnet/stackprobe/app"
	"gnet/stackprobe/engine"
)

const (
	// bulkPeriod is the length of the pattern that is sent over and over: a prime, so that neither a segment, nor a page, nor a
	// buffer that is lost, doubled or misplaced leaves the rest in step; and short, so that the pattern itself stays in the cache
	// next to the processor, from which it is copied and with which it is compared.
	bulkPeriod = 1<<14 - 3
	// bulkWrite is what is written at once: whole packets of the engine.
	bulkWrite = 3 * engine.BulkPayload
)

// bulkPattern is what is sent: the period, and behind it as much again as a write needs in one piece.
// Comparing it costs less than a tenth of what moving it costs, a hash would cost more than all else.
type bulkPattern []byte

func newBulkPattern(seed int64) bulkPattern {
	p := make(bulkPattern, bulkPeriod+bulkWrite)
	app.NewPattern(seed).Fill(p[:bulkPeriod], 0)
	p.ReadAt(p[bulkPeriod:], 0)
	return p
}

// ReadAt implements io.ReaderAt for what is sent, which has no end.
func (p bulkPattern) ReadAt(b []byte, off int64) (n int, err error) {
	for n < len(b) {
		n += copy(b[n:], p[(off+int64(n))%bulkPeriod:bulkPeriod])
	}
	return n, nil
}

// sendsFrom is a connection that fetches what it sends.
type sendsFrom interface {
	WriteFrom(src io.ReaderAt, off int64, n int) (int, error)
}

// send writes the pattern for as long as there is more, and returns how many octets w took.
func (p bulkPattern) send(w io.Writer, more func(int64) int64) (sent int64, err error) {
	for {
		left := int(min(more(sent), bulkWrite))
		if left <= 0 {
			return sent, nil
		}
		var n int
		if to, ok := w.(sendsFrom); ok {
			n, err = to.WriteFrom(p, sent, left)
		} else {
			at := sent % bulkPeriod
			n, err = w.Write(p[at : at+int64(left)])
		}
		sent += int64(n)
		if err != nil {
			return sent, err
		}
	}
}

// receive reads r to its end and compares each octet with the pattern. It returns how many were right. A stack that can show
// what it holds (io.WriterTo) is not asked for a copy.
func (p bulkPattern) receive(r io.Reader) (right int64, err error) {
	j := bulkCheck{pattern: p}
	if from, ok := r.(io.WriterTo); ok {
		_, err = from.WriteTo(&j)
		return j.right, err
	}
	buf := make([]byte, 1<<18)
	for {
		n, err := r.Read(buf)
		if _, wrong := j.Write(buf[:n]); wrong != nil {
			return j.right, wrong
		}
		switch {
		case err == io.EOF:
			return j.right, nil
		case err != nil:
			return j.right, err
		}
	}
}

// bulkCheck compares what is written to it with the pattern; right is how many octets were.
type bulkCheck struct {
	pattern bulkPattern
	right   int64
}

// Write implements io.Writer; the error is that of octets that are wrong.
func (j *bulkCheck) Write(got []byte) (n int, err error) {
	for n < len(got) {
		want := j.pattern[j.right%bulkPeriod : bulkPeriod]
		k := min(len(got)-n, len(want))
		if !bytes.Equal(got[n:n+k], want[:k]) {
			return n, fmt.Errorf("wrong data within %d octets behind the first %d", k, j.right)
		}
		n, j.right = n+k, j.right+int64(k)
	}
	return n, nil
}
