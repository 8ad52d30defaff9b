package main

import "fmt"

// echoes measures ping on the loopback interface, each request sent when the
// answer to the last has come. The figures are per echo.
func (l *lab) echoes() {
	l.heading(contestHeading)
	command := fmt.Sprintf("ping -n -q -c %d -i 0 127.0.0.1", l.echoCount)
	l.compare("`ping -q -i 0 127.0.0.1`, per echo", l.rounds, l.echoCount, command, original(command, 0))
}
