package main

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"syscall"
	"time"

	"gnet/internal/nstest"
)

// interrupt runs a line until it has printed so many lines after the first, and
// then sends the signals, a little apart.
func (o *pingOracle) interrupt(path, line string, lines int, signals ...os.Signal) nstest.Result {
	o.t.Helper()
	cmd := o.command(path, pingWords(line))
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		o.t.Fatal(err)
	}
	var stderr, stdout bytes.Buffer
	cmd.Stderr = &stderr
	o.lab.client.Start(o.t, cmd)
	reader := bufio.NewReader(io.TeeReader(pipe, &stdout))
	for range lines + 1 {
		if _, err := reader.ReadString('\n'); err != nil {
			o.t.Fatalf("ping %s: %v after %q", line, err, stdout.String())
		}
	}
	for _, s := range signals {
		if err := cmd.Process.Signal(s); err != nil {
			o.t.Fatal(err)
		}
		time.Sleep(100 * time.Millisecond) // two signals at once may come in any order
	}
	io.Copy(io.Discard, reader)
	cmd.Wait()
	status := cmd.ProcessState.ExitCode()
	if ws, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		status = 128 + int(ws.Signal())
	}
	return normalisePingResult(nstest.Result{Stdout: stdout.String(), Stderr: stderr.String(), Status: status})
}
