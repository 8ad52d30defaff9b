package stackprobe

import (
	"bytes"
	"fmt"
	"io"

	"gnet/stackprobe/app"
)

// bulkPeriod is the length of the pattern that is sent over and over: a prime, so that neither a segment, nor a page, nor a
// buffer that is lost, doubled or misplaced leaves the rest in step.
const bulkPeriod = 1<<18 - 5

// bulkPattern is what is sent. Comparing it costs less than a tenth of what moving it costs, a hash would cost more than all else.
type bulkPattern []byte

func newBulkPattern(seed int64) bulkPattern {
	p := make(bulkPattern, bulkPeriod)
	app.NewPattern(seed).Fill(p, 0)
	return p
}

// send writes the pattern for as long as there is more, and returns how many octets w took.
func (p bulkPattern) send(w io.Writer, more func(int64) int64) (sent int64, err error) {
	for {
		left := more(sent)
		if left <= 0 {
			return sent, nil
		}
		at := int(sent % bulkPeriod)
		n, err := w.Write(p[at:min(bulkPeriod, at+int(min(left, bulkPeriod)))])
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
		want := j.pattern[j.right%bulkPeriod:]
		k := min(len(got)-n, len(want))
		if !bytes.Equal(got[n:n+k], want[:k]) {
			return n, fmt.Errorf("wrong data within %d octets behind the first %d", k, j.right)
		}
		n, j.right = n+k, j.right+int64(k)
	}
	return n, nil
}
