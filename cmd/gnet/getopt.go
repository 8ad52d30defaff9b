package main

import (
	"fmt"
	"strings"
)

// argKind says whether an option takes an argument, as has_arg of struct
// option (getopt_long(3)).
type argKind uint8

const (
	noArgument argKind = iota
	requiredArgument
	// optionalArgument takes --name=value alone, and is for long options.
	optionalArgument
)

// option is one row of a command's option table: what getopt accepts, what
// help prints, what the man page must describe and what completion offers.
// O is the command's options struct.
type option[O any] struct {
	short   byte   // 0 when it has only a long name
	long    string // "" when it has only a letter
	arg     argKind
	argName string   // in help: "N", "DEV"
	help    string   // one line for help; "" hides the row there
	words   []string // what the argument may be, for completion; nil when it is free
	// wordList returns the same where there are many: a command line has no use for them.
	wordList func() []string
	// class joins long options that the original gives one value: a prefix
	// that fits several of one class is not ambiguous, the first is taken.
	class string
	// own marks gnet's own options: long only, written in full, never part of
	// prefix matching or of the list of possibilities.
	own bool
	// set stores the option; its error ends the parse. name is the option as
	// the table spells it, without dashes.
	set func(o *O, name, arg string) error
}

// optionTable is the option table of one command. The order of the rows is
// that of the original's long options: getopt lists possibilities in it.
type optionTable[O any] struct {
	options   []option[O]
	shortOnly bool     // the original calls getopt(3): no long options but our own
	verbs     []string // what the first operand may be, for completion
}

// getoptError is a message of getopt_long, without the program's name.
type getoptError struct{ msg string }

func (e *getoptError) Error() string { return e.msg }

// parse reads args as GNU getopt_long does: operands may stand between
// options unless posix (POSIXLY_CORRECT is set), letters may be bundled, an
// argument may be attached, a long name may be cut to any unique prefix, and
// "--" ends the options. Options take effect in the order of the line; the
// first error ends the parse. It returns the operands in order.
//
// Source: getopt_long(3); the messages are those of glibc 2.36.
func (t *optionTable[O]) parse(args []string, posix bool, o *O) (operands []string, err error) {
	for len(args) > 0 {
		word := args[0]
		args = args[1:]
		switch {
		case word == "--":
			return append(operands, args...), nil
		case len(word) < 2 || word[0] != '-':
			operands = append(operands, word)
			if posix {
				return append(operands, args...), nil
			}
		case strings.HasPrefix(word, "--"):
			args, err = t.parseLong(word[2:], args, o)
		default:
			args, err = t.parseLetters(word[1:], args, o)
		}
		if err != nil {
			return operands, err
		}
	}
	return operands, nil
}

// parseLong handles one --word; rest is what follows it on the line.
func (t *optionTable[O]) parseLong(word string, rest []string, o *O) ([]string, error) {
	name, value, attached := strings.Cut(word, "=")
	opt, err := t.findLong(word, name)
	if err != nil {
		return rest, err
	}
	if opt == nil {
		if t.shortOnly {
			return t.parseLetters("-"+word, rest, o)
		}
		return rest, &getoptError{fmt.Sprintf("unrecognized option '--%s'", word)}
	}
	if opt.arg == noArgument && attached {
		return rest, &getoptError{fmt.Sprintf("option '--%s' doesn't allow an argument", opt.long)}
	}
	if opt.arg == requiredArgument && !attached {
		if len(rest) == 0 {
			return rest, &getoptError{fmt.Sprintf("option '--%s' requires an argument", opt.long)}
		}
		value, rest = rest[0], rest[1:]
	}
	return rest, opt.set(o, opt.long, value)
}

// findLong returns the row that a long name or its prefix means, nil when
// there is none. word is the name with its value, for the message.
func (t *optionTable[O]) findLong(word, name string) (*option[O], error) {
	var found []*option[O]
	for i := range t.options {
		opt := &t.options[i]
		switch {
		case opt.long == "" || opt.own && opt.long != name || t.shortOnly && !opt.own:
		case opt.long == name:
			return opt, nil
		case !strings.HasPrefix(opt.long, name):
		case len(found) == 0 || opt.class == "" || opt.class != found[0].class:
			found = append(found, opt)
		}
	}
	switch len(found) {
	case 0:
		return nil, nil
	case 1:
		return found[0], nil
	}
	return nil, ambiguous(word, found)
}

func ambiguous[O any](word string, found []*option[O]) error {
	var b strings.Builder
	fmt.Fprintf(&b, "option '--%s' is ambiguous; possibilities:", word)
	for _, opt := range found {
		fmt.Fprintf(&b, " '--%s'", opt.long)
	}
	return &getoptError{b.String()}
}

// parseLetters handles one word of bundled letters, the dash removed.
func (t *optionTable[O]) parseLetters(letters string, rest []string, o *O) ([]string, error) {
	for i := 0; i < len(letters); i++ {
		opt := t.findLetter(letters[i])
		if opt == nil {
			return rest, &getoptError{fmt.Sprintf("invalid option -- '%s'", letters[i:i+1])}
		}
		if opt.arg == noArgument {
			if err := opt.set(o, string(letters[i]), ""); err != nil {
				return rest, err
			}
			continue
		}
		value := letters[i+1:]
		if value == "" {
			if len(rest) == 0 {
				return rest, &getoptError{fmt.Sprintf("option requires an argument -- '%s'", letters[i:i+1])}
			}
			value, rest = rest[0], rest[1:]
		}
		return rest, opt.set(o, string(letters[i]), value)
	}
	return rest, nil
}

func (t *optionTable[O]) findLetter(c byte) *option[O] {
	for i := range t.options {
		if t.options[i].short == c && c != 0 {
			return &t.options[i]
		}
	}
	return nil
}
