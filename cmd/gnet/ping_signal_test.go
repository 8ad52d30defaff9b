package main

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"syscall"

	"gnet/internal/nstest"
)

// interrupt runs a line until it has printed so many lines after the first, and
// then sends the signals. After each one but the last it waits for a line on
// standard error: two signals at once may come in any order. The line should
// send nothing more by then.
func (o *pingOracle) interrupt(path, line string, lines int, signals ...os.Signal) nstest.Result {
	o.t.Helper()
	cmd := o.command(path, pingWords(line))
	outPipe, err := cmd.StdoutPipe()
	if err != nil {
		o.t.Fatal(err)
	}
	errPipe, err := cmd.StderrPipe()
	if err != nil {
		o.t.Fatal(err)
	}
	o.lab.client.Start(o.t, cmd)
	var stdout, stderr bytes.Buffer
	outReader, errReader := bufio.NewReader(io.TeeReader(outPipe, &stdout)), bufio.NewReader(io.TeeReader(errPipe, &stderr))
	readLine := func(r *bufio.Reader) {
		o.t.Helper()
		if _, err := r.ReadString('\n'); err != nil {
			o.t.Fatalf("%s %s: %v after %q and %q", path, line, err, stdout.String(), stderr.String())
		}
	}
	for range lines + 1 {
		readLine(outReader)
	}
	for i, s := range signals {
		if i > 0 {
			readLine(errReader)
		}
		if err := cmd.Process.Signal(s); err != nil {
			o.t.Fatal(err)
		}
	}
	io.Copy(io.Discard, outReader)
	io.Copy(io.Discard, errReader)
	cmd.Wait()
	status := cmd.ProcessState.ExitCode()
	if ws, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		status = 128 + int(ws.Signal())
	}
	return normalisePingResult(nstest.Result{Stdout: stdout.String(), Stderr: stderr.String(), Status: status})
}
