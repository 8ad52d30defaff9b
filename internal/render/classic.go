package render

import "strconv"

const blanks = "                                                                "

// pad appends n blanks.
func pad(dst []byte, n int) []byte {
	for n > len(blanks) {
		dst = append(dst, blanks...)
		n -= len(blanks)
	}
	if n > 0 {
		dst = append(dst, blanks[:n]...)
	}
	return dst
}

// Left appends s padded on the right to width bytes, as %-*s does: longer text
// pushes the rest of its row.
func Left(dst []byte, s string, width int) []byte {
	return pad(append(dst, s...), width-len(s))
}

// Right appends s padded on the left to width bytes, as %*s does.
func Right(dst []byte, s string, width int) []byte {
	return append(pad(dst, width-len(s)), s...)
}

// LeftInt appends n as %-*d does.
func LeftInt(dst []byte, n int64, width int) []byte {
	start := len(dst)
	dst = strconv.AppendInt(dst, n, 10)
	return pad(dst, width-(len(dst)-start))
}

// RightInt appends n as %*d does.
func RightInt(dst []byte, n int64, width int) []byte {
	var digits [20]byte
	text := strconv.AppendInt(digits[:0], n, 10)
	return append(pad(dst, width-len(text)), text...)
}
