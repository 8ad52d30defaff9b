package inject

import (
	"strconv"
	"strings"
)

// String returns the words that ParseLine reads as l.
func (l *Line) String() string {
	parts := []string{l.From.String() + ">"}
	parts = l.When.words(parts, true)
	parts = l.Segment.words(parts)
	if l.Source.IsValid() {
		parts = append(parts, "from", l.Source.String())
	}
	if l.Low != 0 {
		port := strconv.Itoa(int(l.Low))
		if l.High != l.Low {
			port += "-" + strconv.Itoa(int(l.High))
		}
		parts = append(parts, "port", port)
	}
	if l.Every != 0 {
		parts = append(parts, "every", l.Every.String())
	}
	return strings.Join(parts, " ")
}

// String returns the words that ParseStep reads as s.
func (s *Step) String() string {
	parts := s.When.words([]string{s.End.String()}, false)
	if s.Sends {
		parts = s.Segment.words(append(parts, "send"))
	}
	if name := s.State.String(); name != "" {
		parts = append(parts, "state", name)
	}
	return strings.Join(parts, " ")
}

// words appends the words of w; directed says that a match names who sends.
func (w *When) words(parts []string, directed bool) []string {
	if !w.On {
		return append(parts, "at", w.At.String())
	}
	parts = append(parts, "on")
	if directed {
		parts = append(parts, w.Of.String()+">")
	}
	parts = append(parts, string(w.Match))
	if w.N > 1 || w.N == 1 && !directed {
		parts = append(parts, strconv.Itoa(w.N))
	}
	if w.After != 0 {
		parts = append(parts, "after", w.After.String())
	}
	return parts
}

// words appends the words of s.
func (s *Segment) words(parts []string) []string {
	parts = append(parts, s.Kind)
	parts = s.Seq.words(parts, "seq")
	parts = s.Ack.words(parts, "ack")
	if s.HasWin {
		parts = append(parts, "win", strconv.Itoa(int(s.Win)))
	}
	if s.MSS != 0 {
		parts = append(parts, "mss", strconv.Itoa(int(s.MSS)))
	}
	if s.Len != s.natural() {
		parts = append(parts, "len", strconv.Itoa(s.Len))
	}
	return parts
}

// natural is the length of a segment that says nothing of it.
func (s *Segment) natural() int {
	if s.Kind == "data" {
		return DefaultData
	}
	return 0
}

// words appends name and the words of n, nothing for a natural one.
func (n *Number) words(parts []string, name string) []string {
	switch n.Base {
	case Initial:
		return append(parts, name, strconv.FormatInt(n.N, 10))
	case Raw:
		return append(parts, name, "raw", strconv.FormatInt(n.N, 10))
	case Next:
		text := "nxt"
		if n.N != 0 {
			if n.N > 0 {
				text += "+"
			}
			text += strconv.FormatInt(n.N, 10)
		}
		return append(parts, name, text)
	}
	return parts
}
