// Package render prints rows: classic fixed columns, and the four formats that
// are made from one column table per row type (table, json, jsonl, csv).
//
// A column table is the only description of a row's machine form: the writers
// here, the command's documentation and gnet-json(5) are all held to it.
package render

import (
	"net/netip"
	"time"
)

// Kind says how a column's value is written in JSON and CSV.
type Kind uint8

// The kinds. A 64-bit identifier is a decimal string in JSON, because readers
// that use doubles would round it.
const (
	String   Kind = iota + 1 // text from inside or outside; the true bytes
	Int                      // signed integer
	Uint                     // unsigned integer
	Float                    // floating point, shortest form that reads back the same
	ID                       // 64-bit identifier, as a decimal string
	Bool                     // true or false
	Duration                 // integer nanoseconds; the name ends in _ns
	Time                     // RFC 3339, UTC, nanoseconds
	Addr                     // IP address as text, an IPv6 zone as %dev
	List                     // array of objects with the columns of Sub
	Object                   // one object with the columns of Sub, for json and jsonl
)

// String returns the word for the kind that gnet-json(5) uses.
func (k Kind) String() string {
	names := [...]string{"", "string", "integer", "unsigned", "number", "id", "boolean", "duration", "time", "address", "list", "object"}
	if int(k) < len(names) {
		return names[k]
	}
	return "unknown"
}

// Field documents one key: of a row, or of an object inside a List column.
type Field struct {
	Name string // snake_case key
	Kind Kind
	Unit string // "bytes", "ns", "" when it has none
	Doc  string // one sentence for gnet-json(5)
	Sub  []Field
}

// Column is one column of rows of type T: its documentation and how to read
// it. Get leaves the value unset when it is unknown, and the key is then
// absent. The row is valid only during the call.
type Column[T any] struct {
	Field
	Get func(row *T, v *Value)
}

// Fields returns the documentation of a column table.
func Fields[T any](columns []Column[T]) []Field {
	fields := make([]Field, len(columns))
	for i, c := range columns {
		fields[i] = c.Field
	}
	return fields
}

// Value is one cell while it is written. Its zero value is "unknown".
type Value struct {
	kind Kind
	num  uint64 // Int and Duration as two's complement, Bool as 0 or 1
	flt  float64
	str  string
	at   time.Time
	addr netip.Addr
	list [][]Value
}

// Known reports whether a setter was called.
func (v *Value) Known() bool { return v.kind != 0 }

// Kind returns the kind of the setter that was called, 0 when unknown.
func (v *Value) Kind() Kind { return v.kind }

// Str sets text.
func (v *Value) Str(s string) { v.kind, v.str = String, s }

// Int sets a signed integer.
func (v *Value) Int(n int64) { v.kind, v.num = Int, uint64(n) }

// Uint sets an unsigned integer.
func (v *Value) Uint(n uint64) { v.kind, v.num = Uint, n }

// Float sets a floating point number.
func (v *Value) Float(f float64) { v.kind, v.flt = Float, f }

// ID sets a 64-bit identifier.
func (v *Value) ID(n uint64) { v.kind, v.num = ID, n }

// Bool sets a truth value.
func (v *Value) Bool(b bool) {
	v.kind, v.num = Bool, 0
	if b {
		v.num = 1
	}
}

// Duration sets a span of time.
func (v *Value) Duration(d time.Duration) { v.kind, v.num = Duration, uint64(d) }

// Time sets a point in time.
func (v *Value) Time(t time.Time) { v.kind, v.at = Time, t }

// Addr sets an IP address; an invalid one leaves the value unknown.
func (v *Value) Addr(a netip.Addr) {
	if a.IsValid() {
		v.kind, v.addr = Addr, a
	}
}

// Object appends an object to a list and returns its values, one per Sub
// column in order, to be set by the caller before the next call.
func (v *Value) Object(columns int) []Value {
	v.kind = List
	v.list = append(v.list, make([]Value, columns))
	return v.list[len(v.list)-1]
}

// Members sets an object and returns its values, one per Sub column in order, to be set by the caller.
func (v *Value) Members(columns int) []Value {
	v.kind = Object
	v.list = append(v.list[:0], make([]Value, columns))
	return v.list[0]
}

// EmptyList sets a list that may stay empty: known, and nothing in it.
func (v *Value) EmptyList() { v.kind = List }
