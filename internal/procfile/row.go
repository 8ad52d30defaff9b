package procfile

import "net/netip"

// Row is one row of a proc file, cut into columns from left to right. Columns are separated by blanks and tabs, never by another
// byte: a NUL, an escape or a carriage return is part of a column.
//
// The readers take the column's kernel name, for messages. The first one that fails is remembered and later ones return
// zero, so that a parser reads its columns one after the other and asks Err once at the end. Nothing is allocated until Err
// has something to report.
type Row struct {
	File string // path as it was opened
	Line int    // counted from 1

	text   []byte
	pos    int
	column string // of the first failure
	bad    []byte
	err    error
}

func (r *Row) reset(text []byte) {
	*r = Row{File: r.File, Line: r.Line + 1, text: text}
}

// RowOf returns a row of its own over text, for rows that do not come from Rows. It keeps text.
func RowOf(file string, line int, text []byte) Row { return Row{File: file, Line: line, text: text} }

// Text returns the whole row. It is valid as long as the row.
func (r *Row) Text() []byte { return r.text }

// Rest returns what stands after the columns read so far, separators included.
func (r *Row) Rest() []byte { return r.text[r.pos:] }

// Next returns the next column, or nil at the end of the row. It is for columns that newer kernels added.
func (r *Row) Next() []byte {
	i := r.pos
	for i < len(r.text) && (r.text[i] == ' ' || r.text[i] == '\t') {
		i++
	}
	from := i
	for i < len(r.text) && r.text[i] != ' ' && r.text[i] != '\t' {
		i++
	}
	r.pos = i
	if from == i {
		return nil
	}
	return r.text[from:i]
}

// Column returns the next column; a row that ended fails with ErrMissing.
func (r *Row) Column(name string) []byte {
	col := r.Next()
	if col == nil {
		r.fail(name, nil, ErrMissing)
	}
	return col
}

// Err returns the first failure of this row as a *ParseError, or nil.
func (r *Row) Err() error {
	if r.err == nil {
		return nil
	}
	return r.Bad(r.column, r.bad, r.err)
}

// Bad returns a ParseError for this row, for a parser's own reasons.
func (r *Row) Bad(column string, text []byte, err error) *ParseError {
	return &ParseError{File: r.File, Line: r.Line, Column: column, Text: clip(text), Err: err}
}

func (r *Row) fail(column string, text []byte, err error) {
	if r.err == nil {
		r.column, r.bad, r.err = column, text, err
	}
}

// First returns the first column without reading past it, or nil in an empty row.
func (r *Row) First() []byte {
	first := Row{text: r.text}
	return first.Next()
}

// Hex8 reads a column of %02X of an 8-bit number.
func (r *Row) Hex8(name string) uint8 { return uint8(r.number(name, parseHex, 1<<8-1)) }

// Hex16 reads a column of %04X of a 16-bit number.
func (r *Row) Hex16(name string) uint16 { return uint16(r.number(name, parseHex, 1<<16-1)) }

// Hex32 reads a column of %X, %08X, %04X and the like: up to 32 bits.
func (r *Row) Hex32(name string) uint32 {
	return uint32(r.number(name, parseHex, 1<<32-1))
}

// Hex64 reads a column of %lX or %016llX: up to 64 bits.
func (r *Row) Hex64(name string) uint64 { return r.number(name, parseHex, 1<<64-1) }

// Dec8 reads a column of %d of an unsigned 8-bit number.
func (r *Row) Dec8(name string) uint8 { return uint8(r.number(name, parseDec, 1<<8-1)) }

// Dec16 reads a column of %d of an unsigned 16-bit number, such as a port.
func (r *Row) Dec16(name string) uint16 { return uint16(r.number(name, parseDec, 1<<16-1)) }

// Dec32 reads a column of %u: up to 32 bits.
func (r *Row) Dec32(name string) uint32 {
	return uint32(r.number(name, parseDec, 1<<32-1))
}

// Dec64 reads a column of %lu or %llu: up to 64 bits.
func (r *Row) Dec64(name string) uint64 { return r.number(name, parseDec, 1<<64-1) }

// Int32 reads a column of %d: a sign is allowed.
func (r *Row) Int32(name string) int32 {
	col := r.Column(name)
	if r.err != nil {
		return 0
	}
	digits, limit, sign := col, uint64(1<<31-1), int64(1)
	if col[0] == '-' {
		digits, limit, sign = col[1:], 1<<31, -1
	}
	n, err := parseDec(digits, limit)
	if err != nil {
		r.fail(name, col, err)
	}
	return int32(sign * int64(n))
}

// HexPair reads %08X:%08X: two numbers of 32 bits, such as tx_queue:rx_queue.
func (r *Row) HexPair(name string) (uint32, uint32) {
	a, b := r.hexPair(name, 1<<32-1, 1<<32-1)
	return uint32(a), uint32(b)
}

// HexTimer reads %02X:%08lX: which timer, and how long it has to run.
func (r *Row) HexTimer(name string) (uint8, uint64) {
	kind, when := r.hexPair(name, 1<<8-1, 1<<64-1)
	return uint8(kind), when
}

func (r *Row) hexPair(name string, limitA, limitB uint64) (a, b uint64) {
	col := r.Column(name)
	if r.err != nil {
		return 0, 0
	}
	left, right := cutColon(col)
	a, err := parseHex(left, limitA)
	if err == nil {
		b, err = parseHex(right, limitB)
	}
	if err != nil {
		r.fail(name, col, err)
		return 0, 0
	}
	return a, b
}

// AddrPort4 reads %08X:%04X: an IPv4 address as one word in host order, and a port.
func (r *Row) AddrPort4(name string) netip.AddrPort { return r.addrPort(name, AddrWord4) }

// AddrPort6 reads %08X%08X%08X%08X:%04X: an IPv6 address as four words in host order, and a port.
func (r *Row) AddrPort6(name string) netip.AddrPort { return r.addrPort(name, AddrWords6) }

// Word4 reads %08X: an IPv4 address as one word in host order.
func (r *Row) Word4(name string) netip.Addr { return r.addr(name, AddrWord4) }

// Net6 reads %pi6: an IPv6 address as 32 hexadecimal digits in network order.
func (r *Row) Net6(name string) netip.Addr { return r.addr(name, AddrNet6) }

func (r *Row) number(name string, parse func([]byte, uint64) (uint64, error), limit uint64) uint64 {
	col := r.Column(name)
	if r.err != nil {
		return 0
	}
	n, err := parse(col, limit)
	if err != nil {
		r.fail(name, col, err)
	}
	return n
}

func (r *Row) addr(name string, parse func([]byte) (netip.Addr, error)) netip.Addr {
	col := r.Column(name)
	if r.err != nil {
		return netip.Addr{}
	}
	a, err := parse(col)
	if err != nil {
		r.fail(name, col, err)
	}
	return a
}

func (r *Row) addrPort(name string, parse func([]byte) (netip.Addr, error)) netip.AddrPort {
	col := r.Column(name)
	if r.err != nil {
		return netip.AddrPort{}
	}
	left, right := cutColon(col)
	a, err := parse(left)
	if err != nil {
		r.fail(name, col, err)
		return netip.AddrPort{}
	}
	port, err := parseHex(right, 1<<16-1)
	if err != nil {
		r.fail(name, col, err)
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(a, uint16(port))
}
