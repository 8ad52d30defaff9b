package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/internal/nstest"
)

// complete asks as the shells' scripts do, and returns the candidates that begin
// with what is typed, as the shells filter them, without their descriptions; and
// the directive.
func complete(t *testing.T, args ...string) (words []string, directive string) {
	t.Helper()
	var stdout bytes.Buffer
	e := systemEnv()
	e.Stdout, e.Stderr = newOutput(&stdout), &bytes.Buffer{}
	if status := run(append([]string{"gnet", "__complete"}, args...), e); status != 0 {
		t.Fatalf("gnet __complete %q ended with status %d", args, status)
	}
	for line := range strings.Lines(stdout.String()) {
		word, _, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		if strings.HasPrefix(word, ":") {
			return words, word
		}
		if strings.HasPrefix(word, args[len(args)-1]) {
			words = append(words, word)
		}
	}
	t.Fatalf("gnet __complete %q gave no directive", args)
	return nil, ""
}

func TestCompletion(t *testing.T) {
	for _, c := range []struct {
		line string // its last word is the one that is typed
		want string
	}{
		{"n", "netstat"},
		{"netstat --nu", "--numeric --numeric-hosts --numeric-ports --numeric-users"},
		{"netstat --wi", "--wide"},
		{"netstat --tcpip", ""},
		{"netstat -A in", "inet inet6"},
		{"netstat -tn --format j", "json jsonl"},
		{"netstat --format=c", "--format=classic --format=csv"},
		{"netstat ", ""},
		{"route ", "confirm diff dismiss flush get pending restore save watch add replace del"},
		{"route flush --pro", "--proto"},
		{"route flush --proto k", "kernel"},
		{"route watch --format jsonl ", ""},
		{"route --ext", "--extend"},
		{"route get --f", "--from --format"},
		{"route get --format t", "table"},
		{"ping --n", ""},
		{"ping -M d", "do dont"},
		{"ping --js", "--json"},
		{"trace ", "capture connect ip listen run serve show tcp"},
		{"trace connect --attach ", "private nat bridge:"},
		{"trace ip --lo", "--loop"},
		{"trace ip --option ", "rr ts ra"},
		{"trace run --li", "--link"},
		{"trace serve --link ", "auto tun veth"},
		{"trace show --fo", "--format"},
		{"trace show --st", "--step"},
		{"trace tcp --li", "--link --list"},
		{"trace tcp --link ", "auto tun veth memory"},
		{"help --man ", "gnet netstat route ping tracepath trace json"},
		{"help --man route ", ""},
		{"help tr", "trace tracepath"},
		{"completion ", "bash zsh fish"},
	} {
		got, directive := complete(t, strings.Split(c.line, " ")...)
		if diff := cmp.Diff(c.want, strings.Join(got, " ")); diff != "" {
			t.Errorf("%q (-want +got)\n%s", c.line, diff)
		}
		if directive != ":4" { // no file names in their place
			t.Errorf("%q: directive %s", c.line, directive)
		}
	}
}

// TestCompletion_directory: the one argument that is a file is a folder.
func TestCompletion_directory(t *testing.T) {
	if words, directive := complete(t, "route", "--proc-root", ""); len(words) > 0 || directive != ":16" {
		t.Errorf("route --proc-root: %q %s", words, directive)
	}
}

// TestCompletion_table: with a dash, every option that the help shows.
func TestCompletion_table(t *testing.T) {
	got, _ := complete(t, "netstat", "-")
	for _, o := range netstatTable().options {
		for _, name := range o.names(false) {
			if shown := o.help != ""; shown != strings.Contains(" "+strings.Join(got, " ")+" ", " "+name+" ") && name != "--unix" {
				t.Errorf("%s: in the help %t, but not so among the completions", name, shown)
			}
		}
	}
}

// TestCompletion_scripts: each shell's script is there and asks gnet; bash and
// every other shell that is installed can read its own.
func TestCompletion_scripts(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish"} {
		var stdout bytes.Buffer
		e := systemEnv()
		e.Stdout = newOutput(&stdout)
		if status := run([]string{"gnet", "completion", shell}, e); status != 0 {
			t.Errorf("gnet completion %s ended with status %d", shell, status)
		}
		if !strings.Contains(stdout.String(), "__complete") {
			t.Errorf("gnet completion %s does not ask gnet:\n%.200s", shell, &stdout)
		}
		path, err := exec.LookPath(shell)
		if shell == "bash" {
			path = nstest.Peer(t, shell)
		} else if err != nil {
			continue
		}
		script := filepath.Join(t.TempDir(), "script")
		if err := os.WriteFile(script, stdout.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command(path, "-n", script).CombinedOutput(); err != nil {
			t.Errorf("%s -n: %v\n%s", shell, err, out)
		}
	}
}
