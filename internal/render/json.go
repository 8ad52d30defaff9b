package render

import (
	"encoding/hex"
	"math"
	"strconv"
	"unicode/utf8"
)

// appendObject appends the row as a JSON object; kind, when not empty, is its
// first key. Unknown values have no key.
func appendObject[T any](dst []byte, kind string, columns []Column[T], row *T) []byte {
	dst = append(dst, '{')
	first := true
	if kind != "" {
		dst = append(dst, `"kind":`...)
		dst = appendJSONString(dst, kind)
		first = false
	}
	v := new(Value) // one for the row: each Get makes it escape
	for i := range columns {
		*v = Value{}
		columns[i].Get(row, v)
		dst, first = appendMember(dst, &columns[i].Field, v, first)
	}
	return append(dst, '}')
}

// appendMember appends `"name":value` unless the value is unknown. Text that is
// not UTF-8 cannot be a JSON string: its bytes follow as name_hex.
func appendMember(dst []byte, f *Field, v *Value, first bool) ([]byte, bool) {
	if !v.Known() {
		return dst, first
	}
	dst = appendKey(dst, f.Name, first)
	dst = appendJSONValue(dst, f, v)
	if v.kind == String && !utf8.ValidString(v.str) {
		dst = appendKey(dst, f.Name+"_hex", false)
		dst = append(dst, '"')
		dst = hex.AppendEncode(dst, []byte(v.str))
		dst = append(dst, '"')
	}
	return dst, false
}

func appendKey(dst []byte, name string, first bool) []byte {
	if !first {
		dst = append(dst, ',')
	}
	dst = append(dst, '"')
	dst = append(dst, name...)
	return append(dst, '"', ':')
}

func appendJSONValue(dst []byte, f *Field, v *Value) []byte {
	switch v.kind {
	case String:
		return appendJSONString(dst, v.str)
	case ID, Time, Addr:
		dst = append(dst, '"')
		dst = appendPlain(dst, v)
		return append(dst, '"')
	case List:
		return appendList(dst, f, v)
	case Object:
		return appendMembers(dst, f, v.list[0])
	case Float:
		if math.IsNaN(v.flt) || math.IsInf(v.flt, 0) {
			return append(dst, "null"...)
		}
	}
	return appendPlain(dst, v)
}

func appendList(dst []byte, f *Field, v *Value) []byte {
	dst = append(dst, '[')
	for i, object := range v.list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendMembers(dst, f, object)
	}
	return append(dst, ']')
}

// appendMembers appends an object with the columns of f.Sub.
func appendMembers(dst []byte, f *Field, object []Value) []byte {
	dst = append(dst, '{')
	first := true
	for i := range object {
		dst, first = appendMember(dst, &f.Sub[i], &object[i], first)
	}
	return append(dst, '}')
}

// appendPlain appends the value's text without quotes, for every kind but List.
func appendPlain(dst []byte, v *Value) []byte {
	switch v.kind {
	case String:
		return append(dst, v.str...)
	case Int, Duration:
		return strconv.AppendInt(dst, int64(v.num), 10)
	case Uint, ID:
		return strconv.AppendUint(dst, v.num, 10)
	case Float:
		return strconv.AppendFloat(dst, v.flt, 'g', -1, 64)
	case Bool:
		return strconv.AppendBool(dst, v.num != 0)
	case Time:
		return v.at.UTC().AppendFormat(dst, "2006-01-02T15:04:05.000000000Z")
	case Addr:
		return v.addr.AppendTo(dst)
	}
	return dst
}

const hexDigits = "0123456789abcdef"

// appendJSONString appends s as a JSON string (RFC 8259 section 7). Control
// characters, also those above 0x7f, and bidirectional controls are written as
// \uXXXX: the string is the same, and a terminal that shows it obeys nothing.
func appendJSONString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r < 0x20 || r >= 0x7f && r < 0xa0, r == utf8.RuneError && n == 1, hidden(r):
			dst = append(dst, '\\', 'u', hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
		default:
			dst = append(dst, s[i:i+n]...)
		}
		i += n
	}
	return append(dst, '"')
}

// hidden reports bidirectional controls and line separators.
func hidden(r rune) bool {
	return r == 0x061c || r == 0x200e || r == 0x200f || r >= 0x202a && r <= 0x202e ||
		r >= 0x2066 && r <= 0x2069 || r == 0x2028 || r == 0x2029
}
