package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"

	"gnet/internal/netns"
)

// sockets measures netstat with many TCP sockets in many processes.
func (l *lab) sockets() {
	defer l.close()
	for i := range l.holders {
		l.startHolder(i)
	}
	sockets := thousands(l.holders * l.socketsEach)
	l.compare("`netstat -an`, "+sockets+" sockets", "netstat", "-an")
	l.compare(fmt.Sprintf("`netstat -tanp`, %s sockets in %d processes", sockets, l.holders), "netstat", "-tanp")
}

// startHolder starts a process with sockets and waits until it has them.
func (l *lab) startHolder(number int) {
	cmd := netns.Self("holder", strconv.Itoa(number), strconv.Itoa(l.socketsEach))
	cmd.Env = append(os.Environ(), roleEnv+"=holder")
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	l.must(err)
	stdout, err := cmd.StdoutPipe()
	l.must(err)
	l.must(cmd.Start())
	l.Cleanup(func() { stdin.Close(); cmd.Wait() })
	if _, err := bufio.NewReader(stdout).ReadString('\n'); err != nil {
		l.Fatalf("holder %d: %v", number, err)
	}
}

// hold keeps a listener and connections to it open until its standard input
// ends. Each holder has an address of its own, so that ports never run out.
func hold(args []string) error {
	var number, sockets int
	if _, err := fmt.Sscan(strings.Join(args, " "), &number, &sockets); err != nil {
		return err
	}
	listener, err := net.Listen("tcp4", fmt.Sprintf("127.0.1.%d:4000", number+1))
	if err != nil {
		return err
	}
	open := []io.Closer{listener}
	for len(open) < sockets {
		client, err := net.Dial("tcp4", listener.Addr().String())
		if err != nil {
			return err
		}
		server, err := listener.Accept()
		if err != nil {
			return err
		}
		open = append(open, client, server)
	}
	fmt.Println("ready")
	io.Copy(io.Discard, os.Stdin)
	for _, c := range open {
		c.Close()
	}
	return nil
}
