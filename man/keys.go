package man

import (
	"bytes"
	"fmt"
	"strings"
)

// Table describes the keys of one kind of object in gnet's JSON: what
// gnet-json(5) prints where its source has a marker line for it.
type Table struct {
	Schema string // as in the envelope, "gnet/netstat/1"
	Object string // "row" or "summary"
	Keys   []Key
}

// Key is one key of an object, or of the objects inside a list.
type Key struct {
	Name, Kind, Unit string
	Doc              string // one sentence
	Keys             []Key  // of the objects, when the kind is a list
}

// title is what stands after the marker in a page.
func (t *Table) title() string { return t.Schema + " " + t.Object }

// appendRoff appends the keys as tagged paragraphs.
func (t *Table) appendRoff(dst []byte) []byte { return appendKeys(dst, t.Keys) }

func appendKeys(dst []byte, keys []Key) []byte {
	for _, k := range keys {
		kind := k.Kind
		if k.Unit != "" {
			kind += ", " + k.Unit
		}
		dst = fmt.Appendf(dst, ".TP\n\\fB%s\\fR (%s)\n%s\n", escape(k.Name), escape(kind), escape(sentence(k.Doc)))
		if len(k.Keys) > 0 {
			dst = append(dst, ".RS\n"...)
			dst = appendKeys(dst, k.Keys)
			dst = append(dst, ".RE\n"...)
		}
	}
	return dst
}

// sentence begins text with a capital and ends it with a full stop. A word that
// is a key or a value, such as inet or send_q, stays as it is written.
func sentence(text string) string {
	first, _, _ := strings.Cut(text, " ")
	if first != "" && strings.Trim(first, "abcdefghijklmnopqrstuvwxyz'") == "" && first != "inet" && first != "inet6" {
		text = strings.ToUpper(text[:1]) + text[1:]
	}
	return strings.TrimSuffix(text, ".") + "."
}

// MarkerError says that a page and the key tables do not fit together.
type MarkerError struct{ Problem string }

// Error returns the problem.
func (e *MarkerError) Error() string { return e.Problem }

// appendTable appends the table that a marker names.
func appendTable(dst []byte, tables []Table, title string) ([]byte, error) {
	for i := range tables {
		if tables[i].title() == title {
			return tables[i].appendRoff(dst), nil
		}
	}
	return dst, &MarkerError{fmt.Sprintf("no keys are known for %q", title)}
}

// checkMarkers reports a table for which the page has no marker.
func checkMarkers(src []byte, tables []Table) error {
	for i := range tables {
		if !bytes.Contains(src, []byte(keysMarker+tables[i].title()+"\n")) {
			return &MarkerError{fmt.Sprintf("the page has no place for the keys of %q", tables[i].title())}
		}
	}
	return nil
}
