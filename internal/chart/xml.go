package chart

import (
	"strconv"

	"gnet/internal/safe"
)

// AppendNumber writes a coordinate to a tenth of a pixel.
func AppendNumber(b []byte, v float64) []byte {
	if v < 0 {
		b, v = append(b, '-'), -v
	}
	tenths := int64(v*10 + 0.5)
	b = strconv.AppendInt(b, tenths/10, 10)
	if r := tenths % 10; r != 0 {
		b = append(b, '.', byte('0'+r))
	}
	return b
}

// AppendXML writes text from outside as character data (XML 1.0 2.2, 2.4): what a document must not hold was made visible
// by package safe.
func AppendXML(b []byte, s string) []byte {
	for _, r := range safe.String(s) {
		switch {
		case r == '<':
			b = append(b, "&lt;"...)
		case r == '>':
			b = append(b, "&gt;"...)
		case r == '&':
			b = append(b, "&amp;"...)
		case r == '"':
			b = append(b, "&quot;"...)
		case r == 0xFFFE || r == 0xFFFF:
			b = append(b, '?')
		default:
			b = append(b, string(r)...)
		}
	}
	return b
}
