package capture

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"gnet/stackprobe/event"
)

// Program is the name of Wireshark's program for terminals.
const Program = "tshark"

// TsharkError is a tshark that does not do its part. Err is what its operating system says, Said what it said itself.
type TsharkError struct {
	Err  error
	Said string
}

// Error says both.
func (e *TsharkError) Error() string {
	text := Program
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	if e.Said != "" {
		text += ": " + e.Said
	}
	return text
}

// Unwrap returns what the operating system says.
func (e *TsharkError) Unwrap() error { return e.Err }

// Tshark is a running tshark that is asked about one packet after the other. It sees those of one tap, in their order, and
// answers about each before it sees the next.
type Tshark struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	w     *Writer
	out   *bufio.Reader
	said  bytes.Buffer
	asked int
}

// StartTshark starts the program of that name, such as Program, which is looked for in the path. It makes no file.
func StartTshark(name string) (*Tshark, error) {
	// What the user has set for himself must not change what is said; the analysis is on by default, and numbers are relative.
	args := []string{"-r", "-", "-l", "-n", "-o", "tcp.analyze_sequence_numbers:TRUE", "-T", "fields"}
	for _, flag := range event.OpinionNames() {
		args = append(args, "-e", "tcp.analysis."+flag)
	}
	t := &Tshark{cmd: exec.Command(name, args...)}
	t.cmd.Env = append(t.cmd.Environ(), "WIRESHARK_CONFIG_DIR=/nonexistent")
	t.cmd.Stderr = &t.said
	// A Ctrl-C is for us: tshark is told by the end of its input.
	t.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	t.cmd.WaitDelay = time.Second
	var err error
	if t.in, err = t.cmd.StdinPipe(); err != nil {
		return nil, &TsharkError{Err: err}
	}
	out, err := t.cmd.StdoutPipe()
	if err != nil {
		return nil, &TsharkError{Err: err}
	}
	t.out = bufio.NewReader(out)
	if err := t.cmd.Start(); err != nil {
		if why := errors.Unwrap(err); why != nil { // the name is said already
			err = why
		}
		return nil, &TsharkError{Err: err}
	}
	if t.w, err = NewWriter(t.in, &Section{}); err == nil {
		_, err = t.w.Interface(&Interface{Link: Raw})
	}
	if err != nil {
		return nil, t.broken(err)
	}
	return t, nil
}

// Ask shows it a packet of the given time, and returns what it says.
func (t *Tshark) Ask(p *Packet) (event.Opinion, error) {
	if err := t.w.Packet(&Packet{Time: p.Time, Data: p.Data, Length: p.Length}); err != nil {
		return 0, t.broken(err)
	}
	t.asked++
	line, err := t.out.ReadString('\n')
	if err != nil {
		return 0, t.broken(err)
	}
	said := event.Asked
	flags := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
	if len(flags) != len(event.OpinionNames()) {
		return 0, t.broken(fmt.Errorf("%d fields about packet %d", len(flags), t.asked))
	}
	for i, v := range flags {
		if v != "" {
			said |= event.SaysRetransmission << i
		}
	}
	return said, nil
}

// broken ends the program and adds what it said to err.
func (t *Tshark) broken(err error) error {
	t.in.Close()
	t.cmd.Process.Kill()
	t.cmd.Wait()
	said, _, _ := strings.Cut(strings.TrimSpace(withoutRoot(t.said.String())), "\n")
	return &TsharkError{Err: err, Said: said}
}

// withoutRoot takes away what tshark says to root each time.
func withoutRoot(s string) string {
	var kept []string
	for line := range strings.Lines(s) {
		if !strings.HasPrefix(line, "Running as user") {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "")
}

// Close ends the program by the end of its input.
func (t *Tshark) Close() error {
	t.in.Close()
	if _, err := io.Copy(io.Discard, t.out); err != nil {
		return t.broken(err)
	}
	if err := t.cmd.Wait(); err != nil {
		return t.broken(err)
	}
	return nil
}

// TsharkVersion asks the program of that name for its version, "" if it does not say.
func TsharkVersion(name string) string {
	out, err := exec.Command(name, "--version").Output()
	if err != nil {
		return ""
	}
	first, _, _ := strings.Cut(string(out), "\n")
	for word := range strings.FieldsSeq(first) {
		if word[0] >= '0' && word[0] <= '9' {
			return strings.TrimSuffix(word, ".")
		}
	}
	return ""
}

// Wireshark is two of them, one for what passes the tap of each end.
type Wireshark struct {
	taps [3]*Tshark // by event.Host
	p    Packet
}

// StartWireshark starts the program of that name twice.
func StartWireshark(name string) (*Wireshark, error) {
	w := &Wireshark{}
	for h := event.Client; h <= event.Server; h++ {
		t, err := StartTshark(name)
		if err != nil {
			w.Close()
			return nil, err
		}
		w.taps[h] = t
	}
	return w, nil
}

// Ask writes to e.Derived what Wireshark says of the packet of e, from what has passed the tap of its end. It is not asked about
// what passes no tap: an injected packet that its source has not sent, a packet without octets.
func (w *Wireshark) Ask(e *event.Event) error {
	e.Derived.Wireshark = 0
	if e.Kind != event.KindTx && e.Kind != event.KindRx || e.Host != event.Client && e.Host != event.Server {
		return nil
	}
	if e.Kind == event.KindTx && e.Seg.Origin == event.Injected || e.Seg.Wire == "" {
		return nil
	}
	w.p = Packet{Time: max(e.T, 0), Data: append(w.p.Data[:0], e.Seg.Wire...), Length: e.Seg.Size}
	var err error
	e.Derived.Wireshark, err = w.taps[e.Host].Ask(&w.p)
	return err
}

// Close ends both.
func (w *Wireshark) Close() error {
	var all []error
	for _, t := range w.taps {
		if t != nil {
			all = append(all, t.Close())
		}
	}
	return errors.Join(all...)
}
