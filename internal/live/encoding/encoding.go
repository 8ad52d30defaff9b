// Package encoding stands in for the module of the same name, from which tcell takes no more than UTF8 and ASCII. That one
// builds the tables of several code pages when a program starts, which every command of gnet would pay for: 66 KiB,
// 1,100 allocations, 0.13 ms of a start of 2.5.
package encoding

import (
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/transform"
)

// UTF8 passes UTF-8 and refuses what is not.
var UTF8 encoding.Encoding = utf8Encoding{}

// ASCII passes ASCII. Other characters become encoding.ASCIISub, SUB, when they are encoded, and other bytes U+FFFD when they are decoded.
var ASCII encoding.Encoding = asciiEncoding{}

type utf8Encoding struct{}

func (utf8Encoding) NewDecoder() *encoding.Decoder {
	return &encoding.Decoder{Transformer: encoding.UTF8Validator}
}

func (utf8Encoding) NewEncoder() *encoding.Encoder {
	return &encoding.Encoder{Transformer: encoding.UTF8Validator}
}

type asciiEncoding struct{}

func (asciiEncoding) NewDecoder() *encoding.Decoder {
	return &encoding.Decoder{Transformer: asciiDecoder{}}
}

func (asciiEncoding) NewEncoder() *encoding.Encoder {
	return &encoding.Encoder{Transformer: asciiEncoder{}}
}

type asciiDecoder struct{ transform.NopResetter }

// Transform decodes src (transform.Transformer).
func (asciiDecoder) Transform(dst, src []byte, _ bool) (nDst, nSrc int, err error) {
	for ; nSrc < len(src); nSrc++ {
		r := rune(src[nSrc])
		if r >= utf8.RuneSelf {
			r = utf8.RuneError
		}
		if nDst+utf8.RuneLen(r) > len(dst) {
			return nDst, nSrc, transform.ErrShortDst
		}
		nDst += utf8.EncodeRune(dst[nDst:], r)
	}
	return nDst, nSrc, nil
}

type asciiEncoder struct{ transform.NopResetter }

// Transform encodes src (transform.Transformer).
func (asciiEncoder) Transform(dst, src []byte, atEOF bool) (nDst, nSrc int, err error) {
	for nSrc < len(src) {
		b, n := src[nSrc], 1
		if b >= utf8.RuneSelf {
			if !atEOF && !utf8.FullRune(src[nSrc:]) {
				return nDst, nSrc, transform.ErrShortSrc
			}
			_, n = utf8.DecodeRune(src[nSrc:])
			b = encoding.ASCIISub
		}
		if nDst == len(dst) {
			return nDst, nSrc, transform.ErrShortDst
		}
		dst[nDst] = b
		nDst++
		nSrc += n
	}
	return nDst, nSrc, nil
}
