package tracefs

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
)

// Field is where a value stands in an event.
type Field struct{ Offset, Size int }

// Format is the layout of an event.
type Format struct {
	// ID is the first field of each record of this event.
	ID     uint16
	fields map[string]Field
}

// FormatError is a format that cannot be read, or lacks what is needed.
type FormatError struct{ Text string }

// Error says what is wrong.
func (e *FormatError) Error() string { return "format of a trace event: " + e.Text }

// ParseFormat reads the text of a format file: lines such as
//
//	field:__u16 sport;	offset:64;	size:2;	signed:0;
func ParseFormat(text string) (*Format, error) {
	f := &Format{fields: make(map[string]Field)}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if id, ok := strings.CutPrefix(line, "ID:"); ok {
			n, err := strconv.ParseUint(strings.TrimSpace(id), 10, 16)
			if err != nil {
				return nil, &FormatError{fmt.Sprintf("%q", line)}
			}
			f.ID = uint16(n)
		}
		if !strings.HasPrefix(line, "field:") {
			continue
		}
		name, field, ok := parseField(line)
		if !ok {
			return nil, &FormatError{fmt.Sprintf("%q", line)}
		}
		f.fields[name] = field
	}
	if f.ID == 0 || len(f.fields) == 0 {
		return nil, &FormatError{"it has no ID or no fields"}
	}
	return f, nil
}

// parseField reads one line: declaration, offset, size.
func parseField(line string) (name string, field Field, ok bool) {
	for part := range strings.SplitSeq(line, ";") {
		key, value, _ := strings.Cut(strings.TrimSpace(part), ":")
		switch key {
		case "field":
			words := strings.Fields(value)
			if len(words) < 2 {
				return "", Field{}, false
			}
			name, _, _ = strings.Cut(words[len(words)-1], "[")
		case "offset", "size":
			n, err := strconv.ParseUint(value, 10, 16)
			if err != nil {
				return "", Field{}, false
			}
			if key == "offset" {
				field.Offset = int(n)
			} else {
				field.Size = int(n)
			}
		}
	}
	return name, field, name != "" && field.Size > 0
}

// Fields returns the places of fields, in order; a name that the event does not have is an error.
func (f *Format) Fields(names ...string) ([]Field, error) {
	list := make([]Field, len(names))
	for i, name := range names {
		field, ok := f.fields[name]
		if !ok {
			return nil, &FormatError{"it has no " + name}
		}
		list[i] = field
	}
	return list, nil
}

// Bytes returns the field of record, nil if the record is too short. It is a part of record.
func (f Field) Bytes(record []byte) []byte {
	if f.Offset+f.Size > len(record) {
		return nil
	}
	return record[f.Offset : f.Offset+f.Size]
}

// Uint returns the value of a field of 1, 2, 4 or 8 bytes, 0 for any other.
func (f Field) Uint(record []byte) uint64 {
	switch b := f.Bytes(record); len(b) {
	case 1:
		return uint64(b[0])
	case 2:
		return uint64(binary.NativeEndian.Uint16(b))
	case 4:
		return uint64(binary.NativeEndian.Uint32(b))
	case 8:
		return binary.NativeEndian.Uint64(b)
	}
	return 0
}
