package main

import "github.com/spf13/cobra"

// newTraceCommand returns `gnet trace`, the group of the laboratory's commands.
func newTraceCommand(e *env) *cobra.Command {
	return newGroup(e, "trace", "Show TCP at work: both ends of a connection and the link between them",
		commandsFor(e.wordsBehind("trace"), []branch{
			{"tcp", func() *cobra.Command { return newTraceTCPCommand(e, runTraceTCP) }},
			{"ip", func() *cobra.Command { return newTraceIPCommand(e, runTraceIP) }},
			{"run", func() *cobra.Command { return newTraceRunCommand(e, runTraceRun) }},
			{"serve", func() *cobra.Command { return newTraceServeCommand(e, runTraceServe) }},
			{"connect", func() *cobra.Command { return newTraceConnectCommand(e, runTraceAttached) }},
			{"listen", func() *cobra.Command { return newTraceListenCommand(e, runTraceAttached) }},
			{"show", func() *cobra.Command { return newTraceShowCommand(e, runTraceShow) }},
			{"capture", func() *cobra.Command { return newTraceCaptureCommand(e, runTraceCapture) }},
		})...)
}
