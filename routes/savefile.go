package routes

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"

	"golang.org/x/sys/unix"

	"gnet/internal/rtnl"
)

// maxItem bounds one line or element of a file of routes: a route with thousands of next hops fits.
const maxItem = 1 << 20

// saveMagic begins a file of `ip route save`; netlink messages follow, each as it came from the kernel.
const saveMagic = 0x45311224

// ErrSaveFormat: the file is of none of the formats that are read.
var ErrSaveFormat = errors.New("neither lines of JSON, nor what `gnet route`, `ip -j route` or `ip route save` write")

// ErrSaveOrder: the messages in the file are in the other byte order.
var ErrSaveOrder = errors.New("it was saved on a machine of the other byte order")

// errItemTooLong: a line or a message is longer than any route. It is a type because fmt.Errorf would run before main, in every command.
var errItemTooLong error = itemTooLongError{}

type itemTooLongError struct{}

// Error names the bound.
func (itemTooLongError) Error() string { return fmt.Sprintf("longer than %d bytes", maxItem) }

// Place says where in a file a route stands.
type Place struct {
	// Line is the line's number in a file of JSON lines, else 0.
	Line int
	// Item is the route's number, from 1.
	Item int
}

// String returns "line 17", or "route 17" where lines mean nothing.
func (p Place) String() string {
	if p.Line > 0 {
		return fmt.Sprintf("line %d", p.Line)
	}
	return fmt.Sprintf("route %d", p.Item)
}

// ParseError is a line of a file that is no route. The walk goes on behind it.
type ParseError struct {
	Place
	Err error
}

// Error names the place and the cause.
func (e *ParseError) Error() string { return e.Place.String() + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *ParseError) Unwrap() error { return e.Err }

// Saved is a route of a file, ready to be sent. Name is set on none of its interfaces.
type Saved struct {
	Place
	Route rtnl.Route
}

// SaveNames finds what a file has by name: interfaces, and what Labels finds.
type SaveNames struct {
	Interface func(name string) (index int, ok bool)
	Labels
}

// ReadSaved walks the routes of a file in any of three formats, recognised by its first bytes: lines of JSON (`gnet route save`), a list
// (`ip -j route`, or the document of `gnet route --details --json`), messages (`ip route save`). The pointer is valid until the next step, a nil
// one with a *ParseError is one bad line; ErrSaveFormat, ErrSaveOrder and errors of r are last.
func ReadSaved(r io.Reader, names SaveNames) iter.Seq2[*Saved, error] {
	return readSweep(r, names, sweep{of: 1})
}

// readSweep is one of several walks that ReadSaved's is divided into, numbered from 0. A file that is not of lines is read whole by the first.
func readSweep(r io.Reader, names SaveNames, part sweep) iter.Seq2[*Saved, error] {
	return func(yield func(*Saved, error) bool) {
		f := saveFile{in: bufio.NewReaderSize(r, 64<<10), yield: yield, sweep: part}
		f.parser.ifindex, f.parser.labels = names.Interface, names.Labels
		if f.parser.ifindex == nil {
			f.parser.ifindex = func(string) (int, bool) { return 0, false }
		}
		if err := f.read(); err != nil && err != errStop {
			yield(nil, err)
		}
	}
}

// errStop: the reader of the walk has left.
var errStop = errors.New("the reader left")

// saveFile is the state of one walk.
type saveFile struct {
	in     *bufio.Reader
	yield  func(*Saved, error) bool
	parser routeParser
	saved  Saved
	place  Place
	item   []byte
	sweep  sweep
	likes  likeLines
}

func (f *saveFile) read() error {
	head, err := f.in.Peek(4)
	if len(head) == 4 {
		switch binary.NativeEndian.Uint32(head) {
		case saveMagic:
			f.in.Discard(4)
			return f.whole(f.messages)
		case 0x24123145:
			return ErrSaveOrder
		}
	}
	if err != nil && err != io.EOF {
		return err
	}
	for {
		c, err := f.in.ReadByte()
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		case c == ' ' || c == '\t' || c == '\r':
			continue
		case c == '\n':
			f.place.Line++
			continue
		case c == '[':
			return f.whole(f.lists)
		case c != '{':
			return ErrSaveFormat
		}
		f.in.UnreadByte()
		break
	}
	if rows, ok := f.document(); ok {
		f.in.Discard(rows)
		return f.whole(f.list)
	}
	return f.lines()
}

// whole reads a file that is not divided: in the first walk.
func (f *saveFile) whole(read func() error) error {
	if f.sweep.number > 0 {
		return nil
	}
	return read()
}

// document reports whether the file is one document of `--format json`, and where its rows begin.
func (f *saveFile) document() (rows int, ok bool) {
	head, _ := f.in.Peek(256)
	if !bytes.HasPrefix(head, []byte(`{"schema":`)) {
		return 0, false
	}
	at := bytes.Index(head, []byte(`"rows":[`))
	return at + len(`"rows":[`), at >= 0
}

// emit hands one route or one bad item on.
func (f *saveFile) emit(text []byte) error {
	if like := f.likes.find(text); like != nil {
		return f.give(like, nil)
	}
	skip, err := f.parser.parse(text)
	if err == nil && skip {
		return nil
	}
	if err == nil {
		f.likes.keep(text, &f.parser.r)
	}
	return f.give(&f.parser.r, err)
}

func (f *saveFile) give(r *rtnl.Route, err error) error {
	row := &f.saved
	if err != nil {
		row, err = nil, &ParseError{f.place, err}
	} else {
		f.saved = Saved{f.place, *r}
	}
	if !f.yield(row, err) {
		return errStop
	}
	return nil
}

// lines reads JSON lines.
func (f *saveFile) lines() error {
	for {
		line, err := f.line()
		f.place.Line++
		if len(bytes.TrimSpace(line)) > 0 {
			f.place.Item++
			if f.sweep.takes(f.place.Item, line) {
				if eerr := f.emit(line); eerr != nil {
					return eerr
				}
			}
		}
		switch {
		case err == errItemTooLong:
			f.place.Item++
			if !f.sweep.takes(f.place.Item, nil) {
				continue
			}
			if err := f.give(nil, err); err != nil {
				return err
			}
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
	}
}

// line returns the next line; a longer one than maxItem is passed over.
func (f *saveFile) line() ([]byte, error) {
	line, err := f.in.ReadSlice('\n')
	if err != bufio.ErrBufferFull {
		return line, err
	}
	f.item = append(f.item[:0], line...)
	for err == bufio.ErrBufferFull {
		line, err = f.in.ReadSlice('\n')
		if len(f.item) <= maxItem {
			f.item = append(f.item, line...)
		}
	}
	if len(f.item) > maxItem && (err == nil || err == io.EOF) {
		return nil, errItemTooLong
	}
	return f.item, err
}

// lists reads lists that follow each other, as two calls of `ip -j route` into one file leave them; the first bracket is read.
func (f *saveFile) lists() error {
	f.place.Line = 0
	for {
		if err := f.list(); err != nil {
			return err
		}
		for {
			c, err := f.in.ReadByte()
			if err == io.EOF {
				return nil
			}
			if err != nil {
				return err
			}
			if c == '[' {
				break
			}
			if c != ' ' && c != '\n' && c != '\t' && c != '\r' {
				f.place.Item++
				return f.give(nil, errors.New("there is more behind the end of the list"))
			}
		}
	}
}

// list reads the elements of a list, whose opening bracket is read, up to its end.
func (f *saveFile) list() error {
	for {
		end, err := f.element()
		text := bytes.TrimSpace(f.item)
		if len(text) > 0 || err != nil || end != ']' {
			f.place.Item++
		}
		switch {
		case err == io.EOF:
			return f.give(nil, errors.New("the file ends inside of the list"))
		case err == errItemTooLong:
			err = f.give(nil, err)
		case err == nil && len(text) > 0:
			err = f.emit(text)
		case err == nil && end != ']':
			err = f.give(nil, errJSON)
		}
		if err != nil || end == ']' {
			return err
		}
	}
}

// element reads up to the comma or bracket behind one element, into f.item.
func (f *saveFile) element() (end byte, err error) {
	f.item = f.item[:0]
	depth, quoted, escaped, long := 0, false, false, false
	for {
		c, err := f.in.ReadByte()
		if err != nil {
			return 0, err
		}
		switch {
		case escaped:
			escaped = false
		case quoted:
			escaped, quoted = c == '\\', c != '"'
		case c == '"':
			quoted = true
		case c == '{' || c == '[':
			depth++
		case depth > 0 && (c == '}' || c == ']'):
			depth--
		case depth == 0 && (c == ',' || c == ']'):
			if long {
				return c, errItemTooLong
			}
			return c, nil
		}
		if long = long || len(f.item) == maxItem; !long {
			f.item = append(f.item, c)
		}
	}
}

// messages reads netlink messages: struct nlmsghdr and the body of an RTM_NEWROUTE.
func (f *saveFile) messages() error {
	var head [unix.NLMSG_HDRLEN]byte
	for {
		_, err := io.ReadFull(f.in, head[:])
		if err == io.EOF {
			return nil
		}
		f.place.Item++
		if err == io.ErrUnexpectedEOF {
			return f.give(nil, errors.New("the file ends inside of a message"))
		}
		if err != nil {
			return err
		}
		size := binary.NativeEndian.Uint32(head[:])
		if size < unix.NLMSG_HDRLEN || size > maxItem {
			return f.give(nil, fmt.Errorf("a message of %d bytes cannot be; what follows has no known beginning", size))
		}
		f.item = append(f.item[:0], make([]byte, (int(size)-unix.NLMSG_HDRLEN+3)&^3)...)
		if _, err := io.ReadFull(f.in, f.item); err == io.ErrUnexpectedEOF || err == io.EOF {
			return f.give(nil, errors.New("the file ends inside of a message"))
		} else if err != nil {
			return err
		}
		if err := f.message(binary.NativeEndian.Uint16(head[4:]), f.item[:size-unix.NLMSG_HDRLEN]); err != nil {
			return err
		}
	}
}

func (f *saveFile) message(typ uint16, body []byte) error {
	if typ != unix.RTM_NEWROUTE {
		return f.give(nil, fmt.Errorf("a message of type %d is no route", typ))
	}
	r := &f.parser.r
	if err := rtnl.DecodeRoute(body, nil, r); err != nil {
		return f.give(nil, err)
	}
	if r.Family != unix.AF_INET && r.Family != unix.AF_INET6 {
		return f.give(nil, fmt.Errorf("a route of family %d", r.Family))
	}
	if r.Flags&unix.RTM_F_CLONED != 0 {
		return nil // a cached entry, which the kernel makes by itself
	}
	sendable(r)
	return f.give(r, nil)
}
