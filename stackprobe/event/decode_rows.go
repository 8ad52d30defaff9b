package event

import "bytes"

// rowScanner cuts a line that the reader's buffer cannot hold into the rows that stand in it: a document in one line, as tools write
// it, may be of any length. What is held is one row.
type rowScanner struct {
	on      bool
	pending []byte // what was read of the line before
	next    int    // where in the line the piece behind this one begins
	// head says that the beginning of the document is looked at, up to the bracket that opens the list.
	head bool
	// depth is how many brackets are open, quoted that a string is, escaped that a backslash stands before the next byte of it.
	depth           int
	quoted, escaped bool
	// skips says that a row was too long and the beginning of the next one is looked for, which last is the end of; dropped counts
	// the bytes of which nothing is read.
	skips   bool
	last    [2]byte
	dropped int
}

// begin starts with what was read of a line.
func (r *rowScanner) begin(line []byte, head bool) {
	*r = rowScanner{on: true, head: head, pending: append(r.pending[:0], line...)}
}

// row returns the next row of a long line, the head of the document, or what stands behind the last row.
func (d *decoder) row() ([]byte, error) {
	r := &d.rows
	d.offset = r.next
	for d.long = d.long[:0]; ; {
		c, err := d.byteOfRow()
		switch {
		case err != nil || c == '\n':
			r.on = false
			return bytes.TrimRight(d.long, "\r"), err
		case !r.head && d.state != inRows || r.skips && !r.resumes(c):
			if r.dropped++; r.dropped > maxLine {
				return nil, &EndlessError{d.line}
			}
			continue
		case len(d.long) == 0:
			d.offset = r.next - 1
		}
		d.long = append(d.long, c)
		if r.ends(c) {
			return d.long, nil
		}
		if len(d.long) > maxObject {
			r.skips = true
			return d.long, nil // take says that it is too long
		}
	}
}

// byteOfRow returns the next byte of the line.
func (d *decoder) byteOfRow() (c byte, err error) {
	r := &d.rows
	if len(r.pending) > 0 {
		c, r.pending = r.pending[0], r.pending[1:]
	} else if c, err = d.r.ReadByte(); err != nil {
		return 0, err
	}
	r.next++
	return c, nil
}

// ends reports whether a row, the head or the list ends with c.
func (r *rowScanner) ends(c byte) bool {
	switch {
	case r.escaped:
		r.escaped = false
	case r.quoted:
		r.quoted, r.escaped = c != '"', c == '\\'
	case c == '"':
		r.quoted = true
	case c == '{' || c == '[':
		r.depth++
		if r.head && r.depth == 2 {
			r.head, r.depth = false, 0
			return true
		}
	case c == '}' || c == ']':
		r.depth--
		return r.depth <= 0
	}
	return false
}

// rowEnd returns where the object ends that text begins with, 0 if it does not.
func rowEnd(text []byte) int {
	var r rowScanner
	for i, c := range text {
		if r.ends(c) {
			return i + 1
		}
	}
	return 0
}

// resumes reports whether a row begins with c behind one that was too long: between two rows stands "},{".
func (r *rowScanner) resumes(c byte) bool {
	begins := c == '{' && r.last == [2]byte{'}', ','}
	r.last = [2]byte{r.last[1], c}
	if begins {
		r.skips, r.depth, r.quoted, r.escaped = false, 0, false, false
	}
	return begins
}
