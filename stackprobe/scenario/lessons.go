package scenario

import (
	"embed"
	"strings"

	"gnet/internal/words"
)

//go:embed lessons/*.scn
var lessons embed.FS

const folder = "lessons"

// Names returns the names of the lessons in alphabetical order.
func Names() []string {
	entries, err := lessons.ReadDir(folder)
	if err != nil {
		return nil // it is part of the program
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = strings.TrimSuffix(e.Name(), Ending)
	}
	return names
}

// Lesson reads the lesson of that name: it returns nil and no error if there is none.
func Lesson(name string) (*Scenario, error) {
	file := name + Ending
	text, err := lessons.ReadFile(folder + "/" + file)
	if err != nil {
		return nil, nil
	}
	return Parse(file, string(text))
}

// Nearest returns the name of a lesson that was probably meant, "" if none is near.
func Nearest(name string) string { return words.Nearest(name, Names()...) }
