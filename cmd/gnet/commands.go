package main

import "github.com/spf13/cobra"

// commands returns the suite's commands in the order of gnet(1).
func commands(e *env) []*cobra.Command {
	return []*cobra.Command{
		newNetstatCommand(e, runNetstat),
		newRouteCommand(e, runRoute),
		newPingCommand(e, runPing),
		newTracepathCommand(e, runTracepath),
		newTraceCommand(e),
	}
}
