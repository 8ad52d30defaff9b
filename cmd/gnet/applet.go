package main

import (
	"path"
	"strings"
)

// applet sets the env's names from argv[0] and returns the arguments for the
// root command. A link named netstat, route, ping, ping4, ping6,
// tracepath or tracepath6 is that command, and so is FAMILY_route, such as inet6_route, which route looks at
// itself; any other name is gnet.
func applet(argv []string, e *env) []string {
	e.Arg0, e.Name = "gnet", "gnet"
	if len(argv) == 0 {
		return nil
	}
	name := path.Base(argv[0])
	switch name {
	case "netstat", "route", "ping", "tracepath":
		e.Arg0, e.Name = name, name
		return append([]string{name}, argv[1:]...)
	case "ping4", "ping6":
		e.Arg0, e.Name = name, name
		return append([]string{"ping", "-" + name[4:]}, argv[1:]...)
	case "tracepath6":
		e.Arg0, e.Name = name, name
		return append([]string{"tracepath", "-6"}, argv[1:]...)
	}
	if family, found := strings.CutSuffix(name, "_route"); found && family != "" {
		e.Arg0, e.Name = name, name
		return append([]string{"route"}, argv[1:]...)
	}
	return argv[1:]
}
