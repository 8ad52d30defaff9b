// Package color stands in for the module of the same name, which tablewriter's coloured renderer needs and gnet's tables never use.
// That one asks the environment and standard output for their abilities when a program starts, which every command of gnet would pay
// for: an ioctl, 10 allocations, 0.015 ms of a start of 2.4.
package color

import (
	"fmt"
	"strconv"
	"strings"
)

// Attribute is a parameter of SGR (ECMA-48, 8.3.117).
type Attribute int

// The attributes of the coloured renderer's own theme.
const (
	Bold     Attribute = 1
	FgYellow Attribute = 33
	FgCyan   Attribute = 36
	FgWhite  Attribute = 37
	BgBlack  Attribute = 40
)

// Color is the attributes of a text.
type Color struct{ sgr string }

// New returns the color of these attributes; without any, text stays as it is.
func New(attributes ...Attribute) *Color {
	words := make([]string, len(attributes))
	for i, a := range attributes {
		words[i] = strconv.Itoa(int(a))
	}
	return &Color{strings.Join(words, ";")}
}

// SprintFunc returns a function that formats its operands as fmt.Sprint does, in the color.
func (c *Color) SprintFunc() func(operands ...any) string {
	return func(operands ...any) string {
		text := fmt.Sprint(operands...)
		if c.sgr == "" {
			return text
		}
		return "\x1b[" + c.sgr + "m" + text + "\x1b[0m"
	}
}
