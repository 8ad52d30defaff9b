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

// receive reads r to its end and compares each octet with the pattern. It returns how many were right.
func (p bulkPattern) receive(r io.Reader) (right int64, err error) {
	buf := make([]byte, 1<<18)
	for {
		n, err := r.Read(buf)
		for got := buf[:n]; len(got) > 0; {
			want := p[right%bulkPeriod:]
			k := min(len(got), len(want))
			if !bytes.Equal(got[:k], want[:k]) {
				return right, fmt.Errorf("wrong data within %d octets behind the first %d", k, right)
			}
			right, got = right+int64(k), got[k:]
		}
		switch {
		case err == io.EOF:
			return right, nil
		case err != nil:
			return right, err
		}
	}
}
