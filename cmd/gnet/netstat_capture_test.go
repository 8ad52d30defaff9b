package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gnet/internal/nstest"
)

// TestCapture writes the captures of procnet/testdata: what this kernel shows of
// the labs. It runs when asked, as root, where the captures shall go:
//
//	GNET_CAPTURE=$PWD/procnet/testdata go test ./cmd/gnet -run TestCapture
//
// A capture is never edited. A new situation is a new file.
func TestCapture(t *testing.T) {
	dir := os.Getenv("GNET_CAPTURE")
	if dir == "" {
		t.Skip("writes files; GNET_CAPTURE says where")
	}
	for name, situation := range map[string]struct {
		files []string
		how   string
		fill  func(*socketLab)
	}{
		"idle": {[]string{"tcp", "tcp6", "udp", "udp6", "udplite", "udplite6", "raw", "raw6", "unix"},
			"a fresh network namespace", func(*socketLab) {}},
		"mixed": {[]string{"tcp", "tcp6", "udp", "udp6", "udplite", "udplite6", "raw", "raw6", "unix"},
			"listening, established, closing and TIME_WAIT sockets, v4-mapped and link-local ones, datagrams waiting",
			func(lab *socketLab) { lab.tcp(); lab.closing(); lab.datagrams(); lab.unixes() }},
		"waiting": {[]string{"tcp"}, "a host behind a TUN link that does not answer: SYN_RECV, SYN_SENT, FIN_WAIT1, CLOSING, LAST_ACK",
			func(lab *socketLab) { lab.newTunPeer().waiting() }},
		"hostile": {[]string{"unix"}, "names with blanks, newlines, escapes, NULs and bytes that are not UTF-8", (*socketLab).hostileUnixes},
		"interfaces": {[]string{"igmp", "igmp6", "snmp", "snmp6", "netstat", "dev", "if_inet6"},
			"links up and down, with labels and several addresses, multicast groups joined, some TCP and UDP",
			func(lab *socketLab) { lab.interfaces(); lab.memberships(); lab.tcp(); lab.datagrams() }},
		"busy": {[]string{"tcp", "udp"}, "300 listening TCP sockets and as many UDP sockets", (*socketLab).busy},
	} {
		t.Run(name, func(t *testing.T) {
			nstest.InNetns(t, func(t *testing.T) {
				lab := newSocketLab(t)
				situation.fill(lab)
				for _, file := range situation.files {
					captureAgain(t, dir, file, name, situation.how)
				}
			})
		})
	}
}

func (lab *socketLab) busy() {
	for i := range 300 {
		lab.listen(fmt.Sprintf("127.%d.0.1:%d", i%256, 3000+i*100))
		lab.bind(unix.SOCK_DGRAM, 0, fmt.Sprintf("127.%d.0.1:%d", i%256, 3000+i*100))
	}
}

// hostileNames are unix socket paths, below the directory of the test or
// abstract, that a terminal or a column must not obey.
func hostileNames(dir string) []string {
	return []string{
		dir + "/with blanks  in it ", dir + "/new\nline", dir + "/two\n\nnewlines\n", dir + "/\x1b[31mred\x1b[0m",
		dir + "/not-utf8-\xff\xfe", dir + "/tab\tand\rreturn", dir + "/bidi\u202eoverride", "@abstract\x00with\x00nul", "@" + strings.Repeat("L", 106),
	}
}

func (lab *socketLab) hostileUnixes() {
	for _, name := range hostileNames(nstest.SocketDir(lab.t, publicDir(lab.t))) {
		fd := lab.socket(unix.AF_UNIX, unix.SOCK_DGRAM, 0)
		lab.must(unix.Bind(fd, &unix.SockaddrUnix{Name: name}))
	}
}

func captureAgain(t *testing.T, dir, file, situation, how string) {
	t.Helper()
	text, err := os.ReadFile("/proc/net/" + file)
	if err != nil {
		t.Fatal(err)
	}
	uname, err := exec.Command("uname", "-srm").Output()
	if err != nil {
		t.Fatal(err)
	}
	words := strings.Fields(string(uname))
	words[1], _, _ = strings.Cut(words[1], "-")
	kernel := strings.Join(strings.SplitN(words[1], ".", 3)[:2], ".")
	path := filepath.Join(dir, file, kernel+"-"+words[2]+"-"+situation+".txtar")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	head := fmt.Sprintf("kernel: %s %s\narch: %s\nuid: %d\ndate: %s\ncommand: cat /proc/net/%s\nsituation: %s\n",
		words[0], words[1], words[2], os.Getuid(), time.Now().UTC().Format(time.DateOnly), file, how)
	if err := os.WriteFile(path, append([]byte(head+"-- "+file+" --\n"), text...), 0o644); err != nil {
		t.Fatal(err)
	}
}
