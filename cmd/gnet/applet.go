package main

import "path"

// applet sets the env's names from argv[0] and returns the arguments for the
// root command. A link named netstat, route, ping, ping4 or ping6 is that
// command; any other name is gnet.
func applet(argv []string, e *env) []string {
	e.Arg0, e.Name = "gnet", "gnet"
	if len(argv) == 0 {
		return nil
	}
	name := path.Base(argv[0])
	switch name {
	case "netstat", "route", "ping":
		e.Arg0, e.Name = name, name
		return append([]string{name}, argv[1:]...)
	case "ping4", "ping6":
		e.Arg0, e.Name = name, name
		return append([]string{"ping", "-" + name[4:]}, argv[1:]...)
	}
	return argv[1:]
}
