package main

import "github.com/spf13/cobra"

// newTraceCommand returns `gnet trace`, the group of the laboratory's commands.
func newTraceCommand(e *env) *cobra.Command {
	return newGroup(e, "trace", "Show TCP at work: both ends of a connection and the link between them",
		newTraceTCPCommand(e, runTraceTCP), newTraceIPCommand(e, runTraceIP), newTraceRunCommand(e, runTraceRun), newTraceServeCommand(e, runTraceServe),
		newTraceConnectCommand(e, runTraceAttached), newTraceListenCommand(e, runTraceAttached),
		newTraceShowCommand(e, runTraceShow), newTraceCaptureCommand(e, runTraceCapture))
}
