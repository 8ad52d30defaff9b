package main

import (
	"gnet/internal/render"
	"gnet/internal/sockdiag"
	"gnet/procnet"
)

// netnsColumns say where a socket belongs: control group and network namespace.
func netnsColumns(field fieldMaker) []render.Column[socketRow] {
	known := func(f render.Field, get func(*procnet.Namespace, *socketSpace, *render.Value)) render.Column[socketRow] {
		return render.Column[socketRow]{Field: f, Get: func(r *socketRow, v *render.Value) {
			if r.space != nil && r.space.ns != nil {
				get(r.space.ns, r.space, v)
			}
		}}
	}
	return []render.Column[socketRow]{
		inetColumn(field("cgroup_id", render.ID, "", "Id of the control group (cgroup v2) in which the socket was made; absent where sock_diag(7) does not tell."),
			func(s *procnet.InetSocket, v *render.Value) {
				if s.Diag != nil && s.Diag.Has&sockdiag.ExtCgroupID != 0 {
					v.ID(s.Diag.CgroupID)
				}
			}),
		{Field: field("cgroup", render.String, "", "Path of that control group; absent when it was removed or is out of sight."), Get: (*socketRow).setCgroup},
		{Field: field("netns", render.ID, "", "Network namespace of the socket: the inode, the number in net:[4026531840]; absent when unknown and with --proc-root."),
			Get: func(r *socketRow, v *render.Value) {
				if r.space != nil && r.space.id != 0 {
					v.ID(r.space.id)
				}
			}},
		known(field("netns_name", render.String, "", "Name of the network namespace under ip-netns(8), with --netns; the first when it has several."),
			func(ns *procnet.Namespace, _ *socketSpace, v *render.Value) {
				if len(ns.Names) > 0 {
					v.Str(ns.Names[0])
				}
			}),
		known(field("netns_container_id", render.String, "", "Container of the first process in the network namespace, as container_id of owners, with --netns."),
			func(_ *procnet.Namespace, s *socketSpace, v *render.Value) { strKnown(v, s.cgroup.Container) }),
		known(field("netns_pid", render.Uint, "", "Lowest process in the network namespace, with --netns; absent when none is visible."),
			func(ns *procnet.Namespace, _ *socketSpace, v *render.Value) {
				if ns.PID != 0 {
					v.Uint(uint64(ns.PID))
				}
			}),
		known(field("netns_comm", render.String, "", "Name that the kernel has for that process."),
			func(ns *procnet.Namespace, _ *socketSpace, v *render.Value) { strKnown(v, ns.Comm) }),
	}
}

// strKnown sets text that is unknown when empty.
func strKnown(v *render.Value, s string) {
	if s != "" {
		v.Str(s)
	}
}

func (r *socketRow) setCgroup(v *render.Value) {
	if r.inet != nil && r.inet.Diag != nil && r.inet.Diag.Has&sockdiag.ExtCgroupID != 0 {
		strKnown(v, r.paths.Of(r.inet.Diag.CgroupID))
	}
}
