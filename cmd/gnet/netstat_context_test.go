package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gnet/internal/nstest"
)

const sshdContext = "system_u:system_r:sshd_t:s0-s0:c0.c1023"

// contextTree is a proc tree of a kernel with SELinux, whose process 77 holds a
// TCP listener, a connection and a unix socket. The connection is nobody's.
func contextTree(t *testing.T, context string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"filesystems": "nodev\tsysfs\nnodev\tselinuxfs\n",
		"net/tcp": labInetHead + "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000001 00:00000000 00000000     0        0 5 1\n" +
			"   1: 0100007F:A37E 0100007F:1F90 01 00000000:00000000 00:00000000 00000000     0        0 0 1\n",
		"net/unix": labUnixHead + "0000: 2 0 10000 1 1 6 @abs\n",
		"77/comm":  "sshd\n", "77/cmdline": "/usr/sbin/sshd\x00", "77/attr/current": context,
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(dir+"/77/fd", 0o755); err != nil {
		t.Fatal(err)
	}
	for fd, inode := range map[string]string{"3": "5", "4": "6"} {
		if err := os.Symlink("socket:["+inode+"]", dir+"/77/fd/"+fd); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// The layout is that of net-tools 2.10 with libselinux answered by hand, since
// SELinux is on no machine of these tests: the column is a byte wider than its
// head, and a long context loses its beginning.
func TestNetstat_context(t *testing.T) {
	const (
		inetHead = "Active Internet connections (servers and established)\n" +
			"Proto Recv-Q Send-Q Local Address           Foreign Address         State       "
		unixHead = "Active UNIX domain sockets (servers and established)\n" +
			"Proto RefCnt Flags       Type       State         I-Node   PID/Program name     Security Context                                  Path\n"
		program = "PID/Program name     Security Context                                 "
		listen  = "tcp        1      0 127.0.0.1:8080          0.0.0.0:*               LISTEN      "
		other   = "tcp        0      0 127.0.0.1:41854         127.0.0.1:8080          ESTABLISHED "
		unix    = "unix  2      [ ACC ]     STREAM     LISTENING     6        77/sshd              "
	)
	column := func(text string) string { return text + strings.Repeat(" ", 50-len(text)) }
	digits := "0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`abcdefghijk"
	for context, shown := range map[string]string{
		sshdContext: sshdContext, sshdContext + "\x00": sshdContext, digits[:49] + "\n": digits[:49], digits[:50]: digits[2:50], digits: digits[len(digits)-48:],
		"": "-", "a\x1b[31mb": `a\x1b[31mb`, "\x1b\x1b" + digits[:46]: digits[:46], digits[:2] + "\x1b" + digits[:44]: `\x1b` + digits[:44],
	} {
		dir := contextTree(t, context)
		want := inetHead + program + "\n" + listen + "77/sshd              " + column(shown) + "\n" + other + "-                    " + column("-") + "\n" +
			unixHead + unix + column(shown) + " @abs\n"
		netstatPrints(t, "-Zan --proc-root "+dir, want)
	}
	dir := contextTree(t, sshdContext)
	netstatPrints(t, "-Ztlneo --proc-root "+dir, strings.Replace(inetHead, "servers and established", "only servers", 1)+"User       Inode      "+program+" Timer\n"+
		listen+"0          5          77/sshd              "+column(sshdContext)+" off (0.00/0/0)\n")
	netstatPrints(t, "-Ztln --format jsonl --proc-root "+dir, `{"kind":"row","proto":"tcp","family":"inet","local_addr":"127.0.0.1","local_port":8080,`+
		`"foreign_addr":"0.0.0.0","foreign_port":0,"state":"LISTEN","recv_q":1,"send_q":0,"uid":0,"inode":"5",`+
		`"owners":[{"pid":77,"comm":"sshd","fd":3,"context":"`+sshdContext+`"}]}`+"\n")
}

// Without SELinux -Z ends the command, before and after whatever else is wrong,
// unless that stands in front of it.
func TestNetstat_contextOff(t *testing.T) {
	dir := contextTree(t, sshdContext)
	if err := os.Remove(dir + "/filesystems"); err != nil {
		t.Fatal(err)
	}
	off := nstest.Result{Status: 1, Stderr: "SELinux is not enabled on this machine.\n"}
	for _, line := range []string{"-Z", "-tZn", "-Z -A foo", "-Zh", "-Z --nosuch", "--context -V", "-ZM", "-Zr"} {
		netstatSays(t, line+" --proc-root "+dir, off)
	}
	netstatSays(t, "-A foo -Z --proc-root "+dir, nstest.Result{Status: 1, Stderr: "Unknown address family `foo'.\n"})
}
