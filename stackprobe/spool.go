package stackprobe

import (
	"bytes"
	"os"
	"slices"

	"golang.org/x/sys/unix"

	"gnet/stackprobe/event"
)

const (
	// spoolWrite is how much is gathered for one write.
	spoolWrite = 256 << 10
	// spoolRead is how much is read back at once; it has room for the longest event (event.Decode).
	spoolRead = 1 << 20
)

// spool keeps events in a file without a name, in their stored form: what is derived is computed anew when they come back.
// The file exists from the first write to close.
type spool struct {
	dir     string // where the file is, "" for os.TempDir
	file    *os.File
	written int64  // what the file holds
	read    int64  // what of it was taken
	inFile  int    // the number of events in what was not taken
	tail    []byte // what is not written yet, behind the file's content
	inTail  int    // the number of events in it
	buf     []byte
}

// put adds e. The error is that of the file; lost events are those that it took away, which were added before.
func (s *spool) put(e *event.Event) (lost int, err error) {
	kept := *e
	kept.Derived = event.Derived{}
	s.tail = append(event.AppendJSON(s.tail, &kept), '\n')
	s.inTail++
	if len(s.tail) < spoolWrite {
		return 0, nil
	}
	if err := s.write(); err != nil {
		lost, s.tail, s.inTail = s.inTail, s.tail[:0], 0
		return lost, err
	}
	return 0, nil
}

// write brings the tail to the file. A write that fails in the middle leaves behind what the next one covers.
func (s *spool) write() error {
	if s.file == nil {
		f, err := unnamedFile(s.dir)
		if err != nil {
			return err
		}
		s.file = f
	}
	if _, err := s.file.WriteAt(s.tail, s.written); err != nil {
		return err
	}
	s.written += int64(len(s.tail))
	s.inFile += s.inTail
	s.tail, s.inTail = s.tail[:0], 0
	return nil
}

// empty reports whether nothing is in s.
func (s *spool) empty() bool { return s.read == s.written && len(s.tail) == 0 }

// take returns the oldest events, none if s is empty. With an error all that the file holds is lost, so many events.
func (s *spool) take() (events []event.Event, lost int, err error) {
	if s.read == s.written {
		text := s.tail
		s.tail, s.inTail = nil, 0
		events, err = decoded(text)
		return events, 0, err
	}
	s.buf = slices.Grow(s.buf[:0], spoolRead)[:min(spoolRead, s.written-s.read)]
	_, err = s.file.ReadAt(s.buf, s.read)
	text := s.buf[:bytes.LastIndexByte(s.buf, '\n')+1]
	if err == nil {
		events, err = decoded(text)
	}
	s.read += int64(len(text))
	s.inFile -= len(events)
	if err != nil {
		s.read, lost = s.written, s.inFile
	}
	if s.read == s.written { // all is taken: the room is free again
		s.read, s.written, s.inFile = 0, 0, 0
		s.file.Truncate(0) // if that fails, it is written over
	}
	return events, lost, err
}

// decoded reads stored events.
func decoded(text []byte) ([]event.Event, error) {
	var events []event.Event
	for e, err := range event.Decode(bytes.NewReader(text)) {
		if err != nil {
			return events, err
		}
		events = append(events, *e)
	}
	return events, nil
}

// close gives the file up.
func (s *spool) close() {
	if s.file != nil {
		s.file.Close()
		s.file = nil
	}
}

// unnamedFile opens a file in dir that has no name, so that nothing is left of it however the program ends.
func unnamedFile(dir string) (*os.File, error) {
	if dir == "" {
		dir = os.TempDir()
	}
	if f, err := os.OpenFile(dir, os.O_RDWR|unix.O_TMPFILE, 0o600); err == nil {
		return f, nil
	}
	f, err := os.CreateTemp(dir, "gnet-trace-*") // a file system without O_TMPFILE
	if err != nil {
		return nil, err
	}
	return f, os.Remove(f.Name())
}
