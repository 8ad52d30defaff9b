package main

import "fmt"

// echoes measures ping on the loopback interface, each request sent when the
// answer to the last has come. The figures are per echo.
func (l *lab) echoes() {
	l.heading(contestHeading)
	command := fmt.Sprintf("ping -n -q -c %d -i 0 127.0.0.1", l.echoCount)
	flood := fmt.Sprintf("ping -n -q -f -c %d 127.0.0.1", l.floodCount)
	l.compare(fmt.Sprintf("`ping -q -f 127.0.0.1`, %s echoes", thousands(l.floodCount)), l.rounds, 1, flood, original(flood, 0.95))
	l.compare("`ping -q -i 0 127.0.0.1`, per echo", l.rounds, l.echoCount, command, original(command, 0))
}
