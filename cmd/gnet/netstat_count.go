package main

import (
	"bytes"
	"cmp"
	"slices"
	"strconv"
	"strings"

	"gnet/internal/render"
	"gnet/internal/safe"
	"gnet/internal/sockdiag"
)

// socketCounter counts sockets by what --count-by names, in place of printing
// them: a socketWriter. It keeps one bucket for each distinct combination of keys and nothing
// of a socket whose combination is known.
type socketCounter struct {
	keys    []countKey
	all     bool // a socket counts for each of its owners
	source  countSource
	values  []countValue // of the socket in hand
	id      []byte
	buckets map[string]*countBucket
	sockets uint64
}

// countBucket is one combination of keys.
type countBucket struct {
	values  []countValue
	sockets uint64
	last    uint64 // number of the last socket that counted here
}

func newSocketCounter(o *netstatOptions) *socketCounter {
	return &socketCounter{
		keys:    o.countKeys(),
		all:     o.AllOwners,
		source:  newCountSource(o),
		values:  make([]countValue, len(o.CountBy)),
		buckets: make(map[string]*countBucket),
	}
}

func (c *socketCounter) inetTitle()          {}
func (c *socketCounter) unixTitle()          {}
func (c *socketCounter) unix(s *shownSocket) { c.inet(s) }

// inet counts one socket, of whatever family: once in each bucket that one of
// its owners belongs to.
func (c *socketCounter) inet(s *shownSocket) {
	c.sockets++
	c.source.socket = s
	if len(s.owners) == 0 || !c.all {
		c.source.owner = nil
		if len(s.owners) > 0 {
			c.source.owner = &s.owners[0]
		}
		c.count()
		return
	}
	for i := range s.owners {
		c.source.owner = &s.owners[i]
		c.count()
	}
}

func (c *socketCounter) count() {
	c.id = c.id[:0]
	for i := range c.keys {
		c.values[i] = countValue{}
		c.keys[i].get(&c.source, &c.values[i])
		c.id = c.values[i].appendID(c.id)
	}
	b, known := c.buckets[string(c.id)]
	if !known {
		b = &countBucket{values: slices.Clone(c.values)}
		c.buckets[string(c.id)] = b
	}
	if b.last != c.sockets {
		b.last = c.sockets
		b.sockets++
	}
}

// sorted returns the buckets, those with most sockets first, then by the keys.
func (c *socketCounter) sorted() []*countBucket {
	list := make([]*countBucket, 0, len(c.buckets))
	for _, b := range c.buckets {
		list = append(list, b)
	}
	slices.SortFunc(list, func(a, b *countBucket) int {
		return cmp.Or(cmp.Compare(b.sockets, a.sockets), slices.CompareFunc(a.values, b.values, countValue.compare))
	})
	return list
}

// countWidth is that of the count column at least, as uniq -c has it.
const countWidth = 7

// print writes the counts for people: the count, then the keys, then the total.
func (c *socketCounter) print(e *env) {
	buckets := c.sorted()
	cells := make([][]string, 0, len(buckets)+1)
	head := make([]string, len(c.keys))
	for i := range c.keys {
		head[i] = c.keys[i].title
	}
	cells = append(cells, head)
	for _, b := range buckets {
		cells = append(cells, countCells(b.values))
	}
	widths := cellWidths(cells)
	total := strconv.FormatUint(c.sockets, 10)
	for i, row := range cells {
		count := "Count"
		if i > 0 {
			count = strconv.FormatUint(buckets[i-1].sockets, 10)
		}
		e.Stdout.Write(countLine(count, max(countWidth, len(total)), row, widths))
	}
	e.Stdout.Write(countLine(total, max(countWidth, len(total)), []string{"total"}, []int{0}))
}

func countCells(values []countValue) []string {
	row := make([]string, len(values))
	for i := range values {
		row[i] = safe.String(values[i].String())
	}
	return row
}

// cellWidths returns the width on a terminal of each column but the last, which
// needs none.
func cellWidths(rows [][]string) []int {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i := range row[:len(row)-1] {
			widths[i] = max(widths[i], render.Width(row[i]))
		}
	}
	return widths
}

func countLine(count string, width int, cells []string, widths []int) []byte {
	line := render.Right(nil, count, width)
	for i, cell := range cells {
		padding := max(0, widths[i]-render.Width(cell))
		line = render.Left(append(line, ' '), cell, len(cell)+padding)
	}
	return append(bytes.TrimRight(line, " "), '\n')
}

// setCountBy is --count-by: keys with commas between them.
func setCountBy(o *netstatOptions, _, arg string) error {
	known := countKeys()
	o.CountBy = nil
	for word := range strings.SplitSeq(arg, ",") {
		name := strings.ReplaceAll(word, "_", "-")
		i := slices.IndexFunc(known, func(k countKey) bool { return slices.Contains(k.words, name) })
		switch {
		case i < 0:
			return unknownCountKey(word, known)
		case o.countsBy(known[i].words[0]):
			return fail(statusUsage, "--count-by: %q is there twice", word)
		}
		o.CountBy = append(o.CountBy, known[i].words[0])
	}
	return nil
}

// countKeys returns the keys that were asked for, in the order of the line.
func (o *netstatOptions) countKeys() []countKey {
	if len(o.CountBy) == 0 {
		return nil
	}
	known := countKeys()
	keys := make([]countKey, len(o.CountBy))
	for i, word := range o.CountBy {
		keys[i] = known[slices.IndexFunc(known, func(k countKey) bool { return k.words[0] == word })]
	}
	return keys
}

// countsBy reports whether one of the words is a key of --count-by.
func (o *netstatOptions) countsBy(words ...string) bool {
	return slices.ContainsFunc(o.CountBy, func(key string) bool { return slices.Contains(words, key) })
}

// countsOwners reports whether a key of --count-by looks at the owners.
func (o *netstatOptions) countsOwners() bool {
	return slices.ContainsFunc(o.countKeys(), func(k countKey) bool { return k.owners })
}

// countExt returns the attributes of inet_diag that the keys of --count-by look at.
func (o *netstatOptions) countExt() (ext sockdiag.Ext) {
	for _, k := range o.countKeys() {
		ext |= k.ext
	}
	return ext
}

// countSockets shows one round of --count-by.
func (w *socketWalk) countSockets() error {
	counter := newSocketCounter(w.o)
	w.out = counter
	err := w.walk()
	w.incomplete(counter.source.cgroups.err)
	if w.o.Format == render.Classic {
		counter.print(w.e)
		return cmp.Or(err, w.outcome())
	}
	doc := w.e.document(w.o.Format, countSchema)
	counter.write(doc)
	w.closeDocument(doc, err)
	return cmp.Or(err, w.outcome())
}

// unknownCountKey names the keys that word may have been meant to be, or all.
func unknownCountKey(word string, known []countKey) error {
	f := fail(statusUsage, "--count-by: unknown key %q", word)
	var names, near []string
	for _, k := range known {
		names = append(names, k.words[0])
		if slices.ContainsFunc(k.words, func(w string) bool { return similar(word, w) }) {
			near = append(near, strconv.Quote(k.words[0]))
		}
	}
	if len(near) > 0 {
		return f.withHint("did you mean %s?", strings.Join(near, " or "))
	}
	return f.withHint("the keys are %s", strings.Join(names, ", "))
}

// similar reports whether a word may be meant for another: its beginning, or at
// most two letters wrong of at least four.
func similar(word, meant string) bool {
	if len(word) >= 2 && strings.HasPrefix(meant, word) {
		return true
	}
	return len(word) >= 4 && editDistance(word, meant) <= 2
}

// editDistance is the number of letters to insert, remove or replace to make b of a (Levenshtein).
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replace := diagonal
			if a[i] != b[j] {
				replace++
			}
			diagonal = row[j+1]
			row[j+1] = min(replace, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}

// countWords are the keys for help and completion.
func countWords() []string {
	var words []string
	for _, k := range countKeys() {
		words = append(words, k.words[0])
	}
	return words
}

// checkCountBy refuses --count-by where there are no sockets to count.
func (o *netstatOptions) checkCountBy() error {
	if len(o.CountBy) == 0 {
		return nil
	}
	if mode := o.otherMode(); mode != "" {
		return fail(statusUsage, "--count-by counts sockets, and %s shows something else", mode)
	}
	return nil
}

// otherMode returns the option that shows something else than sockets, "" when
// none does.
func (o *netstatOptions) otherMode() string {
	for _, mode := range []struct {
		set    bool
		option string
	}{{o.Route, "-r"}, {o.Interfaces, "-i"}, {o.Statistics, "-s"}, {o.Groups, "-g"}, {o.Masquerade, "-M"}} {
		if mode.set {
			return mode.option
		}
	}
	return ""
}
