// Package man holds the manual of gnet: the pages as written by hand in roff,
// the list of intended differences from the original tools, and a renderer that
// shows a page where no man(1) is installed.
//
// `make install` writes each page with `gnet help --man --roff PAGE`: that is
// Page, the source with what is printed from differences.tsv and from the column
// tables in its place.
package man

import (
	"bytes"
	"embed"
	"fmt"
	"path"
	"slices"
	"strings"
)

//go:embed *.1 *.5 *.8 differences.tsv
var files embed.FS

// Topic is one page of the manual.
type Topic struct {
	Name string // the word after `gnet help --man`
	File string // the file's name, which is that of the installed page
}

// Topics returns the pages in the order of gnet(1)'s SEE ALSO.
func Topics() []Topic {
	return []Topic{
		{"gnet", "gnet.1"},
		{"netstat", "gnet-netstat.8"},
		{"route", "gnet-route.8"},
		{"ping", "gnet-ping.8"},
		{"tracepath", "gnet-tracepath.8"},
		{"trace", "gnet-trace.8"},
		{"json", "gnet-json.5"},
	}
}

// UnknownTopicError names a page that the manual does not have.
type UnknownTopicError struct{ Name string }

// Error names the page.
func (e *UnknownTopicError) Error() string { return fmt.Sprintf("no manual page for %q", e.Name) }

// Page returns the finished roff source of a page: the rows of differences.tsv
// and the tables of JSON keys in their places. A page is called by its topic, or
// by the name of its file with or without the section: ping, gnet-ping,
// gnet-ping.8. The caller owns the bytes.
func Page(name string, tables []Table) ([]byte, error) {
	topics := Topics()
	i := slices.IndexFunc(topics, func(t Topic) bool {
		return name == t.Name || name == t.File || name == strings.TrimSuffix(t.File, path.Ext(t.File))
	})
	if i < 0 {
		return nil, &UnknownTopicError{name}
	}
	src, err := files.ReadFile(topics[i].File)
	if err != nil {
		return nil, err
	}
	rows, err := Differences()
	if err != nil {
		return nil, err
	}
	if topics[i].Name == "json" {
		if err := checkMarkers(src, tables); err != nil {
			return nil, err
		}
	}
	return finish(src, rows, tables)
}

// Each marker is the start of a comment line in a page: it stands for the rows
// of the command, or for the keys of the schema and object, that follow it.
const (
	rowsMarker = `.\" differences of `
	keysMarker = `.\" keys of `
)

// finish replaces each marker line by what it stands for.
func finish(src []byte, rows []Difference, tables []Table) (out []byte, err error) {
	for line := range bytes.Lines(src) {
		if command, found := bytes.CutPrefix(line, []byte(rowsMarker)); found {
			out = appendDifferences(out, rows, string(bytes.TrimSpace(command)))
			continue
		}
		if title, found := bytes.CutPrefix(line, []byte(keysMarker)); found {
			if out, err = appendTable(out, tables, string(bytes.TrimSpace(title))); err != nil {
				return nil, err
			}
			continue
		}
		out = append(out, line...)
	}
	return out, nil
}
