// Package browser drives a headless Chromium for tests of pages: it opens files, presses keys, moves and clicks the mouse, takes
// pictures, and notes whatever a page complains of and whatever it tries to fetch.
//
// It speaks the DevTools protocol over the browser's file descriptors 3 and 4 (--remote-debugging-pipe): messages in JSON with a
// NUL behind each. The browser runs in a network namespace of its own in which nothing can be reached, and dies with the test.
package browser

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"gnet/internal/netns"
	"gnet/internal/nstest"
)

// patience is how long one answer may take on a slow machine; it is there so that a browser that hangs ends a test, not to
// measure anything.
const patience = 3 * time.Minute

// Browser is a running Chromium.
type Browser struct {
	in  *os.File
	out *bufio.Reader

	mu     sync.Mutex
	next   int
	wait   map[int]chan reply
	pages  map[string]*Page // by session
	closed error
	stderr bytes.Buffer
}

// reply is an answer to a command.
type reply struct {
	result json.RawMessage
	err    error
}

// message is what goes over the pipe: a command, its answer or an event.
type message struct {
	ID        int             `json:"id,omitempty"`
	Method    string          `json:"method,omitempty"`
	Params    json.RawMessage `json:"params,omitempty"`
	SessionID string          `json:"sessionId,omitempty"`
	Result    json.RawMessage `json:"result,omitempty"`
	Error     *struct {
		Message string `json:"message"`
	} `json:"error,omitempty"`
}

// Start starts a browser that ends with the test. It skips the test, or fails it, where there is none or where namespaces are
// not allowed; see nstest.Require.
func Start(t testing.TB) *Browser {
	t.Helper()
	path := nstest.Peer(t, "chromium")
	nstest.Require(t, nstest.Netns)
	toBrowser, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	out, fromBrowser, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	b := &Browser{in: in, out: bufio.NewReaderSize(out, 1<<20), wait: make(map[int]chan reply), pages: make(map[string]*Page)}
	home := homeOf(t)
	cmd := exec.Command(path, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-extensions",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-default-apps", "--mute-audio",
		"--force-color-profile=srgb", "--allow-file-access-from-files", "--remote-debugging-pipe", "--user-data-dir="+home, "about:blank")
	cmd.Env = append(os.Environ(), "HOME="+home, "TMPDIR="+home, "XDG_CONFIG_HOME="+home, "XDG_CACHE_HOME="+home)
	cmd.ExtraFiles = []*os.File{toBrowser, fromBrowser}
	cmd.Stderr = &b.stderr
	netns.Isolate(cmd) // it must not reach anything, and nothing of it outlives the test
	p, err := netns.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	toBrowser.Close()
	fromBrowser.Close()
	t.Cleanup(func() {
		in.Close()
		if p.Cmd.Process.Kill() == nil {
			_ = p.Wait()
		}
		out.Close()
	})
	go b.read()
	return b
}

// homeOf is the folder of everything that a browser writes, which goes with the test: it is killed, and a killed one tidies
// nothing. The name is short, because it makes a socket in it, and a socket's path ends after 107 bytes.
func homeOf(t testing.TB) string {
	t.Helper()
	home, err := os.MkdirTemp("", "gnet-browser-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(home); err != nil {
			t.Error(err)
		}
	})
	return home
}

// read hands out what the browser says until it ends.
func (b *Browser) read() {
	for {
		line, err := b.out.ReadBytes(0)
		if err != nil {
			b.end(err)
			return
		}
		var m message
		if err := json.Unmarshal(line[:len(line)-1], &m); err != nil {
			b.end(err)
			return
		}
		b.mu.Lock()
		if m.ID == 0 {
			if p := b.pages[m.SessionID]; p != nil {
				p.happened(&m)
			}
		} else if c := b.wait[m.ID]; c != nil {
			delete(b.wait, m.ID)
			r := reply{result: m.Result}
			if m.Error != nil {
				r.err = fmt.Errorf("%s", m.Error.Message)
			}
			c <- r
		}
		b.mu.Unlock()
	}
}

// end answers all who wait.
func (b *Browser) end(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = fmt.Errorf("the browser has ended: %w", err)
	for id, c := range b.wait {
		delete(b.wait, id)
		c <- reply{err: b.closed}
	}
}

// call sends a command and waits for its answer.
func (b *Browser) call(t testing.TB, session, method string, params any) json.RawMessage {
	t.Helper()
	raw, err := json.Marshal(params)
	if err != nil {
		t.Fatal(err)
	}
	answer := make(chan reply, 1)
	b.mu.Lock()
	if b.closed != nil {
		b.mu.Unlock()
		t.Fatal(b.closed)
	}
	b.next++
	b.wait[b.next] = answer
	line, err := json.Marshal(message{ID: b.next, Method: method, Params: raw, SessionID: session})
	if err == nil {
		_, err = b.in.Write(append(line, 0))
	}
	b.mu.Unlock()
	if err != nil {
		t.Fatalf("%s: %v", method, err)
	}
	select {
	case r := <-answer:
		if r.err != nil {
			t.Fatalf("%s: %v", method, r.err)
		}
		return r.result
	case <-time.After(patience):
		t.Fatalf("%s: no answer in %v", method, patience)
		return nil
	}
}
