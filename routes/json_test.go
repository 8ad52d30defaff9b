package routes

import (
	"encoding/json"
	"testing"
)

// FuzzJSON: an object or a list is accepted exactly when encoding/json accepts it, to a depth that no route needs, and a string means
// the same.
func FuzzJSON(f *testing.F) {
	for _, seed := range []string{savedLine, `{}`, `[]`, `{"a":[1,2.5e-3,-0,{"b":null}],"c":true,"d":false,"":""}`, `[1,]`, `{"a":1,}"b":2}`, `{"a" 1}`, `{"a":01}`,
		`["\u00e4\ud83d\ude00\ud83d\"\\\/\b\f\n\r\t"]`, `["\u12g4"]`, `["\ud83dA"]`, `["\udc00"]`, "[\"\x01\"]", `[tru]`, `[-]`, `[1.]`, `[1e]`, `{"a":1}x`, ` { "a" : [ ] } `, `["\u+123"]`, `["\`, `[1,,2]`, `{,}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var err error
		var strings []string
		member := func(_ []byte, v jsonValue) error {
			if v.kind == '"' {
				strings = append(strings, string(v.unescape(nil)))
			}
			return nil
		}
		scanner := jsonScanner{b: []byte(text)}
		scanner.space()
		switch {
		case scanner.take('{'):
			err = eachMember([]byte(text), member)
		case scanner.take('['):
			err = eachElement([]byte(text), func(v jsonValue) error { return member(nil, v) })
		default:
			return
		}
		valid := json.Valid([]byte(text))
		if err == nil && !valid {
			t.Fatalf("%q was accepted", text)
		}
		if err != nil && valid && nesting(text) <= jsonDepth {
			t.Fatalf("%q was refused: %v", text, err)
		}
		var list []any
		if err == nil && json.Unmarshal([]byte(text), &list) == nil {
			compareStrings(t, list, strings)
		}
	})
}

// nesting returns the most brackets that are open at once, those in strings counted too.
func nesting(text string) (deepest int) {
	depth := 0
	for _, c := range text {
		switch c {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		deepest = max(deepest, depth)
	}
	return deepest
}

func compareStrings(t *testing.T, list []any, got []string) {
	t.Helper()
	for _, v := range list {
		want, ok := v.(string)
		if !ok {
			continue
		}
		if valid := []rune(got[0]); string(valid) != want {
			t.Fatalf("string %q, want %q", got[0], want)
		}
		got = got[1:]
	}
}

func TestJSON(t *testing.T) {
	for text, want := range map[string]bool{
		`{"a":1}`: true, ` {"a" : [1, {"b":"c"}] } `: true, `{}`: true,
		`{"a":1,}`: false, `{"a":1}}`: false, `{"a":1`: false, `{"a":1,}"b":2}`: false, `[{}]`: false,
		`{"a":[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]}`: false, // deeper than any route
	} {
		if got := eachMember([]byte(text), func([]byte, jsonValue) error { return nil }) == nil; got != want {
			t.Errorf("%s: accepted %t, want %t", text, got, want)
		}
	}
}
