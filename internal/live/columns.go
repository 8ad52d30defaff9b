package live

import (
	"github.com/rivo/uniseg"

	"gnet/internal/safe"
)

// Columns returns how many columns s takes on a terminal once it has been made safe.
func Columns(s string) int {
	s = safe.String(s)
	for i := range len(s) {
		if s[i] >= 0x80 {
			return uniseg.StringWidth(s)
		}
	}
	return len(s)
}
