package filter

// expr is a node of the tree. Nodes do not change once the expression is read.
type expr interface {
	// eval judges a socket. What it would have needed and the source did not give is added to unknown.
	eval(s *Socket, unknown *Needs) Verdict
	// bounds says what the node comes to in the sockets of a table.
	bounds(t *Table) bounds
	// append appends the node in its canonical form; a node of several words stands in parentheses.
	append(dst []byte) []byte
	needs() Needs
}

// always is true of every socket: src *.
type always struct{}

func (always) eval(*Socket, *Needs) Verdict { return Yes }
func (always) bounds(*Table) bounds         { return constant(true) }
func (always) append(dst []byte) []byte     { return append(dst, "src *"...) }
func (always) needs() Needs                 { return 0 }

type and []expr

func (n and) eval(s *Socket, unknown *Needs) Verdict {
	v := Yes
	for _, each := range n {
		if v = min(v, each.eval(s, unknown)); v == No {
			return No
		}
	}
	return v
}

func (n and) append(dst []byte) []byte { return appendList(dst, n, " and ") }
func (n and) needs() Needs             { return listNeeds(n) }

type or []expr

func (n or) eval(s *Socket, unknown *Needs) Verdict {
	v := No
	for _, each := range n {
		if v = max(v, each.eval(s, unknown)); v == Yes {
			return Yes
		}
	}
	return v
}

func (n or) append(dst []byte) []byte { return appendList(dst, n, " or ") }
func (n or) needs() Needs             { return listNeeds(n) }

// not is also what != makes of a condition: it is true of a socket that lacks what is asked for.
type not struct{ expr }

func (n not) eval(s *Socket, unknown *Needs) Verdict { return n.expr.eval(s, unknown).not() }
func (n not) append(dst []byte) []byte               { return n.expr.append(append(dst, "not "...)) }

func appendList(dst []byte, list []expr, between string) []byte {
	dst = append(dst, "( "...)
	for i, each := range list {
		if i > 0 {
			dst = append(dst, between...)
		}
		dst = each.append(dst)
	}
	return append(dst, " )"...)
}

func listNeeds(list []expr) (n Needs) {
	for _, each := range list {
		n |= each.needs()
	}
	return n
}
