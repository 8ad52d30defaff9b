package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"gnet/internal/render"
	"gnet/ping"
)

// manyCause is a reason why targets did not answer, and how many they are.
type manyCause struct {
	text    string
	targets int
}

// maxManyCauses is how many reasons the hint of a run with many targets names.
const maxManyCauses = 4

// end prints the figures, and when no target at all has answered one line that
// counts the reasons: behind the table, or among the notes of a document.
func (r *manyRun) end(results *manyResults, sink manySink) error {
	hint := results.hint()
	if hint != "" && r.o.Format != render.Classic {
		r.e.hint("%s", hint)
		return sink.close()
	}
	err := sink.close()
	if hint != "" {
		r.e.hint("%s", hint)
	}
	return err
}

// hint says why no target answered, "" when one did or none was asked.
func (m *manyResults) hint() string {
	sum := m.sum()
	if sum.Received > 0 || sum.Transmitted+sum.NotSent == 0 {
		return ""
	}
	text := "no target answered: "
	if sum.Transmitted == 0 {
		text = "nothing could be sent: "
	}
	causes := m.causes()
	var parts []string
	for _, c := range causes[:min(len(causes), maxManyCauses)] {
		parts = append(parts, fmt.Sprintf("%s (%s)", c.text, plural(c.targets, "target")))
	}
	if more := len(causes) - maxManyCauses; more > 0 {
		parts = append(parts, plural(more, "other reason"))
	}
	text += strings.Join(parts, "; ")
	switch {
	case sum.OwnDrops > 0:
		text += fmt.Sprintf("; %d packets were lost here, in ping's own receive buffer", sum.OwnDrops)
	case sum.Damaged > 0:
		text += "; answers came, but damaged: their checksum is wrong"
	case sum.Foreign > 0:
		text += "; answers came, but they are not to these probes"
	}
	return text
}

// causes returns the reasons, that of the most targets first. A target's is what
// was last wrong with it.
func (m *manyResults) causes() []manyCause {
	index := make(map[string]int)
	var causes []manyCause
	for i := range m.run.targets.found {
		r := m.result(i)
		text := r.cause()
		at, ok := index[text]
		if !ok {
			at = len(causes)
			index[text] = at
			causes = append(causes, manyCause{text: text})
		}
		causes[at].targets++
	}
	slices.SortStableFunc(causes, func(a, b manyCause) int { return cmp.Compare(b.targets, a.targets) })
	return causes
}

// cause says why a target did not answer, in words that many targets share.
func (r *manyResult) cause() string {
	switch r.last.kind {
	case ping.ICMPError:
		return fmt.Sprintf("%v says %s", r.last.from, r.trouble())
	case ping.TooLong:
		return fmt.Sprintf("the probes do not fit into the MTU of %d", r.last.info)
	case ping.NotSent:
		return refusalHint(r.last.errno)
	}
	if r.stats.Corrupted > 0 {
		return "the answers are damaged: their checksum is wrong"
	}
	return "nothing came back"
}

// refusalHint says why this host sends nothing, whatever the target.
func refusalHint(err error) string {
	for _, known := range [...]struct {
		errno unix.Errno
		text  string
	}{
		{unix.EPERM, "a firewall of this host refuses the probes: nft list ruleset shows it, with hook output"},
		{unix.ENETUNREACH, "this host has no route"},
		{unix.EHOSTUNREACH, "a route of this host says unreachable"},
		{unix.EACCES, "a route of this host prohibits it"},
		{unix.EINVAL, "a route of this host throws it away"},
		{unix.ENETDOWN, "the device of the probes is down"},
		{unix.ENODEV, "the device of the probes was removed"},
		{unix.ENOBUFS, "the send queue of the device, or of the socket (-S), stayed full"},
	} {
		if errors.Is(err, known.errno) {
			return known.text
		}
	}
	return "this host's kernel refuses the probes: " + errnoText(err)
}
