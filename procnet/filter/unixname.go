package filter

// unixName is src with a pattern for the name of a unix socket; an @ stands for each NUL of an abstract name. Case does not
// count, as in ss.
type unixName struct{ pattern string }

func (n unixName) eval(s *Socket, _ *Needs) Verdict {
	return verdict(s.Unix != nil && glob(n.pattern, s.Unix.Path, true))
}

func (n unixName) needs() Needs { return 0 }

func (n unixName) append(dst []byte) []byte {
	return appendValue(appendComparison(dst, "src", equal), "unix:"+n.pattern)
}
