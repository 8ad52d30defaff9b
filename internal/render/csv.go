package render

import "bytes"

func appendCSVHead(dst []byte, fields []Field) []byte {
	for i, f := range fields {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, f.Name...)
	}
	return append(dst, '\r', '\n')
}

// appendCSVRow appends one record (RFC 4180). A list or an object is its JSON text
// in one field; an unknown value is an empty field.
func appendCSVRow[T any](dst []byte, columns []Column[T], row *T) []byte {
	v := new(Value) // one for the row: each Get makes it escape
	for i := range columns {
		if i > 0 {
			dst = append(dst, ',')
		}
		*v = Value{}
		columns[i].Get(row, v)
		dst = appendCSVField(dst, &columns[i].Field, v)
	}
	return append(dst, '\r', '\n')
}

func appendCSVField(dst []byte, f *Field, v *Value) []byte {
	start := len(dst)
	switch {
	case !v.Known():
		return dst
	case v.kind == List, v.kind == Object:
		dst = appendJSONValue(dst, f, v)
	default:
		dst = appendPlain(dst, v)
	}
	text := dst[start:]
	if !bytes.ContainsAny(text, ",\"\r\n") && (len(text) == 0 || text[0] != ' ' && text[len(text)-1] != ' ') {
		return dst
	}
	quoted := append([]byte{'"'}, bytes.ReplaceAll(text, []byte{'"'}, []byte{'"', '"'})...)
	return append(append(dst[:start], quoted...), '"')
}
