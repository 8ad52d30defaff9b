package render

import (
	"errors"
	"io"
	"testing"

	"github.com/fatih/color"
	tableerrors "github.com/olekukonko/errors"
)

// TestTableErrors holds the stand-in to what tablewriter makes of it: a sentence, and its cause behind a colon.
func TestTableErrors(t *testing.T) {
	for want, err := range map[string]error{
		"no width":             tableerrors.New("no width"),
		"3 cells for 2":        tableerrors.Newf("%d cells for %d", 3, 2),
		"no row 4: EOF":        tableerrors.Newf("no row %d", 4).Wrap(io.EOF),
		"no rows: no row: EOF": tableerrors.New("no rows").Wrap(tableerrors.New("no row").Wrap(io.EOF)),
	} {
		if err.Error() != want {
			t.Errorf("got %q, want %q", err, want)
		}
	}
	caused := tableerrors.New("no rows").Wrap(tableerrors.New("no row").Wrap(io.EOF))
	if !errors.Is(caused, io.EOF) || errors.Is(tableerrors.New("EOF"), io.EOF) {
		t.Error("an error is not known by its cause alone")
	}
}

// TestTableColors holds the stand-in to SGR (ECMA-48, 8.3.117).
func TestTableColors(t *testing.T) {
	for want, got := range map[string]string{
		"\x1b[37;1;40mcell 2\x1b[0m": color.New(color.FgWhite, color.Bold, color.BgBlack).SprintFunc()("cell ", 2),
		"\x1b[33m\x1b[0m":            color.New(color.FgYellow).SprintFunc()(),
		"plain":                      color.New().SprintFunc()("plain"),
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
