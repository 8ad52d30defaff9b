package filter

// glob reports whether text fits pattern as fnmatch(3) has it without flags: * and ? match any byte, [a-z] and [!a-z] one of a
// set, \ takes the next byte as it is. A [ without its ] is a [. With fold the case of ASCII letters does not count.
func glob[T string | []byte](pattern string, text T, fold bool) bool {
	p, t := 0, 0
	starP, starT := -1, 0
	for t < len(text) {
		if p < len(pattern) && pattern[p] == '*' {
			starP, starT = p, t
			p++
			continue
		}
		if n, ok := globOne(pattern[p:], text[t], fold); ok {
			p, t = p+n, t+1
			continue
		}
		if starP < 0 {
			return false
		}
		starT++
		p, t = starP+1, starT
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

// globOne matches one byte with the first element of the pattern, whose length it returns.
func globOne(pattern string, c byte, fold bool) (n int, ok bool) {
	if pattern == "" {
		return 0, false
	}
	switch pattern[0] {
	case '?':
		return 1, true
	case '[':
		if n, in := globSet(pattern, c, fold); n > 0 {
			return n, in
		}
	case '\\':
		if len(pattern) > 1 {
			return 2, sameByte(pattern[1], c, fold)
		}
	}
	return 1, sameByte(pattern[0], c, fold)
}

// globSet matches c with the set at the start of pattern, whose length it returns, 0 when it has no end.
func globSet(pattern string, c byte, fold bool) (n int, in bool) {
	i, negated := 1, false
	if i < len(pattern) && (pattern[i] == '!' || pattern[i] == '^') {
		i, negated = 2, true
	}
	for first := true; i < len(pattern); first = false {
		if pattern[i] == ']' && !first {
			return i + 1, in != negated
		}
		low := pattern[i]
		if low == '\\' && i+1 < len(pattern) {
			i++
			low = pattern[i]
		}
		high := low
		if i+2 < len(pattern) && pattern[i+1] == '-' && pattern[i+2] != ']' {
			high = pattern[i+2]
			i += 2
		}
		i++
		in = in || low <= c && c <= high || fold && (low <= swapCase(c) && swapCase(c) <= high)
	}
	return 0, false
}

func sameByte(a, b byte, fold bool) bool { return a == b || fold && a == swapCase(b) }

func swapCase(c byte) byte {
	if 'a' <= c|0x20 && c|0x20 <= 'z' {
		return c ^ 0x20
	}
	return c
}
