package app_test

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/stackprobe/app"
	"gnet/stackprobe/event"
)

// server is a bench whose only connection sends text to the role http. The connection is closed for writing behind it if end is true.
func server(t testing.TB, root *os.Root, end bool, text ...string) (*bench, *scripted) {
	t.Helper()
	b := &bench{}
	b.Peer = app.NewPeer(app.Config{Role: app.RoleHTTP, Peer: app.RoleProgram, Host: event.Server, Seed: 5, Clock: b, Root: root,
		Journal: func(event.Tuple) func(event.App) { return func(a event.App) { b.calls = append(b.calls, a) } }})
	conn := &scripted{established: true, room: 1 << 30}
	for _, s := range text {
		conn.incoming = append(conn.incoming, []byte(s))
	}
	if end {
		conn.end = io.EOF
	}
	b.Open(conn)
	return b, conn
}

// folder is a root with files, and things that must not be served.
func folder(t testing.TB) *os.Root {
	t.Helper()
	dir := t.TempDir()
	outside := filepath.Join(dir, "secret")
	inside := filepath.Join(dir, "www")
	for name, content := range map[string]string{outside: "secret\n", filepath.Join(inside, "a file"): "hello\n", filepath.Join(inside, "empty"): "",
		filepath.Join(inside, "sub/index.html"): "<p>\n"} {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, target := range map[string]string{"out": "../secret", "absolute": outside, "in": "a file"} {
		if err := os.Symlink(target, filepath.Join(inside, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(inside, "pipe"), 0o644); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(inside)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	return root
}

const octets = "Content-Type: application/octet-stream\r\n"

// plain is the head of an answer in text.
func plain(status, fields string) string {
	return "HTTP/1.1 " + status + "\r\nContent-Type: text/plain\r\n" + fields
}

func TestHTTP(t *testing.T) {
	root := folder(t)
	notFound := plain("404 Not Found", "Content-Length: 10\r\n\r\nNot Found\n")
	bad := plain("400 Bad Request", "Content-Length: 12\r\nConnection: close\r\n\r\nBad Request\n")
	const host = "Host: x\r\n"
	get := func(path string) string { return "GET " + path + " HTTP/1.1\r\n" + host + "\r\n" }
	hello := "HTTP/1.1 200 OK\r\n" + octets + "Content-Length: 6\r\n\r\nhello\n"
	ten := "HTTP/1.1 200 OK\r\n" + octets + "Content-Length: 10\r\n\r\n" + string(pattern(10))
	for _, c := range []struct{ name, request, want string }{
		{"a file", get("/a%20file"), hello},
		{"its head", "HEAD /a%20file HTTP/1.1\r\n" + host + "\r\n", strings.TrimSuffix(hello, "hello\n")},
		{"an empty file", get("/empty"), "HTTP/1.1 200 OK\r\n" + octets + "Content-Length: 0\r\n\r\n"},
		{"a folder", get("/sub/"), "HTTP/1.1 200 OK\r\n" + octets + "Content-Length: 4\r\n\r\n<p>\n"},
		{"a folder without slash", get("/sub"), notFound},
		{"a link that stays inside", get("/in"), hello},
		{"a link that leads out", get("/out"), notFound},
		{"an absolute link", get("/absolute"), notFound},
		{"a way out", get("/../secret"), notFound},
		{"a hidden way out", get("/sub/%2e%2e/%2E%2E/secret"), notFound},
		{"another", get("//etc/passwd"), notFound},
		{"a pipe", get("/pipe"), notFound},
		{"nothing", get("/none"), notFound},
		{"generated", get("/bytes/10?x=1"), ten},
		{"its head", "HEAD /bytes/1073741824 HTTP/1.1\r\n" + host + "\r\n", "HTTP/1.1 200 OK\r\n" + octets + "Content-Length: 1073741824\r\n\r\n"},
		{"too many", get("/bytes/1073741825"), notFound},
		{"a server's name", get("http://engine/bytes/10"), ten},
		{"one after the other", get("/bytes/10") + get("/none") + get("/a%20file"), ten + notFound + hello},
		{"LF alone, empty lines before", "\r\n\nGET /bytes/10 HTTP/1.1\nhost:x\n\n", ten},
		{"with content", "GET /bytes/10 HTTP/1.1\r\n" + host + "Content-Length: 5\r\n\r\n12345" + get("/bytes/10"), ten + ten},
		{"no request", "hello\r\n\r\n", bad},
		{"no version", "GET /\r\n\r\n", bad},
		{"no host", "GET / HTTP/1.1\r\n\r\n", bad},
		{"two hosts", "GET / HTTP/1.1\r\n" + host + host + "\r\n", bad},
		{"two spaces", "GET  / HTTP/1.1\r\n" + host + "\r\n", bad},
		{"a blank before the colon", "GET / HTTP/1.1\r\nHost : x\r\n\r\n", bad},
		{"a folded line", "GET / HTTP/1.1\r\n" + host + " y\r\n\r\n", bad},
		{"a CR in a value", "GET / HTTP/1.1\r\nHost: x\ry\r\n\r\n", bad},
		{"no path", "GET * HTTP/1.1\r\n" + host + "\r\n", bad},
		{"half an octet", get("/%2"), bad},
		{"no octet", get("/%2g"), bad},
		{"NUL", get("/%00"), bad},
		{"two lengths", "GET / HTTP/1.1\r\n" + host + "Content-Length: 5\r\nContent-Length: 6\r\n\r\n", bad},
		{"a negative length", "GET / HTTP/1.1\r\n" + host + "Content-Length: -1\r\n\r\n", bad},
		{"chunks", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n5\r\n", plain("501 Not Implemented", "Content-Length: 16\r\nConnection: close\r\n\r\nNot Implemented\n")},
		{"HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", plain("505 HTTP Version Not Supported", "Content-Length: 27\r\nConnection: close\r\n\r\nHTTP Version Not Supported\n")},
		{"another method", "POST /x HTTP/1.1\r\n" + host + "Content-Length: 2\r\n\r\nhi" + get("/bytes/10"),
			plain("405 Method Not Allowed", "Allow: GET, HEAD\r\nContent-Length: 19\r\n\r\nMethod Not Allowed\n") + ten},
		{"a head without end", "GET / HTTP/1.1\r\nX: " + strings.Repeat("x", 20000),
			plain("431 Request Header Fields Too Large", "Content-Length: 32\r\nConnection: close\r\n\r\nRequest Header Fields Too Large\n")},
		{"half a request", "GET / HTTP/1.1\r\nHo", ""},
	} {
		b, conn := server(t, root, true, c.request)
		for range 3 {
			b.Step()
		}
		if d := cmp.Diff(c.want, string(conn.written)); d != "" {
			t.Errorf("%s: %s", c.name, d)
		}
		if ended, failed, _ := b.Ended(); ended != 1 || failed != 0 || !conn.closed {
			t.Errorf("%s: %d ended, %d failed, closed %t", c.name, ended, failed, conn.closed)
		}
		// The same, octet by octet.
		b, conn = server(t, root, true, strings.Split(c.request, "")...)
		for range 3 {
			b.Step()
		}
		if d := cmp.Diff(c.want, string(conn.written)); d != "" {
			t.Errorf("%s, in pieces: %s", c.name, d)
		}
	}
}

// TestHTTP_persistence: who closes, and when.
func TestHTTP_persistence(t *testing.T) {
	for _, c := range []struct {
		fields, version string
		closes          bool
		says            string
	}{
		{"", "1.1", false, ""},
		{"Connection: close\r\n", "1.1", true, "Connection: close\r\n"},
		{"Connection: keep-alive, CLOSE\r\n", "1.1", true, "Connection: close\r\n"},
		{"", "1.0", true, "Connection: close\r\n"},
		{"Connection: Keep-Alive\r\n", "1.0", false, "Connection: keep-alive\r\n"},
		{"Connection: close\r\nConnection: keep-alive\r\n", "1.0", true, "Connection: close\r\n"},
	} {
		b, conn := server(t, nil, false, "GET /bytes/0 HTTP/"+c.version+"\r\nHost: x\r\n"+c.fields+"\r\n")
		b.Step()
		if want := "HTTP/1.1 200 OK\r\n" + octets + "Content-Length: 0\r\n" + c.says + "\r\n"; string(conn.written) != want || conn.shut != c.closes {
			t.Errorf("%s %q: %q, closes %t", c.version, c.fields, conn.written, conn.shut)
		}
		// What comes behind the last request is not answered, and the connection is over when its peer says so.
		if !c.closes {
			continue
		}
		conn.written, conn.incoming, conn.end = nil, [][]byte{[]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n")}, io.EOF
		b.Step()
		if len(conn.written) > 0 || !conn.closed {
			t.Errorf("%s %q: after the end %q, closed %t", c.version, c.fields, conn.written, conn.closed)
		}
	}
}

// TestHTTP_large: a body that does not fit the send buffer waits, whole and in order, and the next request with it.
func TestHTTP_large(t *testing.T) {
	const n = 300_000
	get := "GET /bytes/300000 HTTP/1.1\r\nHost: x\r\n\r\n"
	b, conn := server(t, nil, false, get+get)
	conn.room = 1000
	b.Step()
	if len(conn.written) != 1000 {
		t.Errorf("%d octets written where 1000 fit", len(conn.written))
	}
	for range 10 {
		conn.room = 70_000
		b.Step()
	}
	one := "HTTP/1.1 200 OK\r\n" + octets + "Content-Length: 300000\r\n\r\n" + string(pattern(n))
	if string(conn.written) != one+one {
		t.Errorf("%d octets, want %d that are right", len(conn.written), 2*len(one))
	}
}

// TestHTTP_shrunk: a file that becomes shorter under way cannot be finished: the connection ends before the promised length.
func TestHTTP_shrunk(t *testing.T) {
	root := folder(t)
	f, err := root.Create("big")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Write(pattern(200_000)); err != nil {
		t.Fatal(err)
	}
	b, conn := server(t, root, false, "GET /big HTTP/1.1\r\nHost: x\r\n\r\n")
	conn.room = 100
	b.Step()
	if err := f.Truncate(10); err != nil {
		t.Fatal(err)
	}
	conn.room = 1 << 20
	b.Step()
	if ended, failed, err := b.Ended(); ended != 1 || failed != 1 || err != io.EOF || !conn.closed || len(conn.written) > 100_000 {
		t.Errorf("%d ended, %d failed: %v; %d octets", ended, failed, err, len(conn.written))
	}
}

// FuzzHTTP: whatever comes, in whatever pieces, nothing panics, nothing outside the folder is sent, and every answer has a head.
func FuzzHTTP(f *testing.F) {
	for _, s := range []string{"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "GET /a%20file HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "HEAD http://x/out HTTP/1.1\nhost: x\n\n",
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabcGET /bytes/5?q HTTP/1.1\r\nHost: x\r\n\r\n", "GET /../secret HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "X / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", "\r\n\r\nGET * HTTP/1.1\r\nHost: x\r\n y\r\n\r\n"} {
		f.Add([]byte(s), 7)
	}
	root := folder(f)
	f.Fuzz(func(t *testing.T, request []byte, size int) {
		if strings.Contains(string(request), "/bytes/") && len(request) > 1000 {
			return // as many octets as they ask for
		}
		size = min(max(size, 1), len(request)+1)
		var pieces []string
		for rest := string(request); rest != ""; {
			n := min(size, len(rest))
			pieces, rest = append(pieces, rest[:n]), rest[n:]
		}
		b, conn := server(t, root, true, pieces...)
		conn.room = 1 << 20
		for range 4 {
			b.Step()
		}
		answer := string(conn.written)
		if answer != "" && !strings.HasPrefix(answer, "HTTP/1.1 ") || strings.Contains(answer, "secret\n") {
			t.Errorf("%q: %q", request, answer)
		}
	})
}

// TestProgram: of a program nothing is expected, and what is over is kept as a sum.
func TestProgram(t *testing.T) {
	for _, role := range []app.Role{app.RoleEcho, app.RoleSink, app.RoleSource} {
		b, bytes := &bench{}, int64(0)
		if role == app.RoleSource {
			bytes = 4
		}
		b.Peer = app.NewPeer(app.Config{Role: role, Peer: app.RoleProgram, Bytes: bytes, Host: event.Server, Seed: 5, Clock: b,
			Journal: func(event.Tuple) func(event.App) { return func(event.App) {} }})
		want := app.Totals{Match: true}
		var sent string
		for _, text := range []string{"one", "another"} {
			conn := &scripted{established: true, room: 100, incoming: [][]byte{[]byte(text)}, end: io.EOF}
			b.Open(conn)
			b.Step()
			b.Step()
			want.Received += int64(len(text))
			want.Written += int64(len(conn.written))
			sent += string(conn.written)
		}
		got := b.Totals()
		got.WrittenHash, got.ReceivedHash = 0, 0
		if d := cmp.Diff(want, got); d != "" || role == app.RoleEcho && sent != "oneanother" || role == app.RoleSink && sent != "" || role == app.RoleSource && len(sent) != 8 {
			t.Errorf("%v: %q %s", role, sent, d)
		}
		if ended, failed, _ := b.Ended(); ended != 2 || failed != 0 || len(b.Sessions()) != 0 {
			t.Errorf("%v: %d ended, %d failed, %d open", role, ended, failed, len(b.Sessions()))
		}
	}
}
