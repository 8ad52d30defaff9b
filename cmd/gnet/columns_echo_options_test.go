package main

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/internal/nstest"
	"gnet/internal/render"
	"gnet/internal/wire"
	"gnet/ping"
)

// keysOf returns what an answer has of the columns of -R, -T and -N.
func keysOf(t *testing.T, format render.Format, ev *ping.Event) string {
	t.Helper()
	var out bytes.Buffer
	doc := render.NewDocument(&out, format, pingSchema)
	rows := render.NewRows(doc, slices.Concat(echoOptionColumns(), echoNodeColumns()))
	if err := rows.Write(&echoRow{Event: ev}); err != nil {
		t.Fatal(err)
	}
	if err := doc.Close(); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(strings.TrimPrefix(out.String(), `{"kind":"row"`), "}\n")
}

func TestEchoOptionColumns(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"", ""},
		{"\x07\x0b\x0c\x0a\x00\x00\x01\x0a\x00\x00\x02", `,"route":[{"address":"10.0.0.1"},{"address":"10.0.0.2"}]`},
		{"\x01\x07\x0b\x08\x0a\x00\x00\x01\x00\x00\x00\x00", `,"route":[{"address":"10.0.0.1"}],"other_options":[{"type":1}]`},
		{"\x07\x07\x04\x00\x00\x00\x00", `,"route":[]`},
		{"\x44\x0c\x0d\x00\x00\x00\x00\x09\x80\x00\x00\x07", `,"timestamps":[{"midnight_ms":9,"standard":true},{"raw":7,"standard":false}],"unrecorded_hops":0`},
		{"\x44\x0c\x0d\xf1\x0a\x00\x00\x01\x02\x00\x00\x00", `,"timestamps":[{"address":"10.0.0.1","midnight_ms":33554432,"standard":true}],"unrecorded_hops":15`},
		{"\x44\x14\x0d\x33\x0a\x00\x00\x01\x00\x00\x00\x05\x0a\x00\x00\x02\x00\x00\x00\x00", `,"timestamps":[{"address":"10.0.0.1","midnight_ms":5,"standard":true}],"unrecorded_hops":3`},
		{"\x83\x0b\x08\x0a\x00\x00\x01\x0a\x00\x00\x02", `,"source_route":[{"address":"10.0.0.1"},{"address":"10.0.0.2"}],"source_route_strict":false`},
		{"\x89\x07\x04\x0a\x00\x00\x03", `,"source_route":[{"address":"10.0.0.3"}],"source_route_strict":true`},
		{"\x94\x04\x00\x00\x1e\x02\x00\x07", `,"other_options":[{"type":148},{"type":30}]`},
		{"\x07\x02\x44\x03\x05", ""}, {"\x01\x83\x02", `,"other_options":[{"type":1}]`}, {"\x94\x01\x01", ""}, {"\x94\x09", ""},
	} {
		if diff := cmp.Diff(tt.want, keysOf(t, render.JSONL, &ping.Event{Kind: ping.Reply, Options: []byte(tt.in)})); diff != "" {
			t.Errorf("% x (-want +got)\n%s", tt.in, diff)
		}
	}
}

func TestEchoNodeColumns(t *testing.T) {
	names, none := `,"node_code":0,"node_qtype":2,"node_flags":0,"node_names":[`, "\x00\x00\x00\x00"
	for _, tt := range []struct {
		qtype uint16
		reply nodeReply
		want  string
	}{
		{2, nodeReply{data: none + "\x03foo\x07example\x00\x03bar\x00\x00"}, names + `{"name":"foo.example","full":true},{"name":"bar","full":false}],"node_malformed":false`},
		{2, nodeReply{data: none + "\x06f.\x1b[;\"\x00"}, names + `{"name":"f.\u001b[;\"","full":true,"escaped":"f\\.\\027[\\;\\\""}],"node_malformed":false`},
		{2, nodeReply{data: none + "\x03f\xc3\xbc\x01\\\x00"}, names + `{"name":"fü.\\","full":true,"escaped":"f\\195\\188.\\\\"}],"node_malformed":false`},
		{2, nodeReply{data: none + "\x03f\xff\x01\x00"}, names + `{"name":"f\ufffd\u0001","name_hex":"66ff01","full":true,"escaped":"f\\255\\001"}],"node_malformed":false`},
		{2, nodeReply{data: none + "\x03foo\x00\x03ba"}, names + `{"name":"foo","full":true}],"node_malformed":true`},
		{2, nodeReply{data: none}, names + `],"node_malformed":false`},
		{2, nodeReply{data: "\x00"}, names + `],"node_malformed":true`},
		{4, nodeReply{flags: 1, data: "\xff\xff\xff\xff\x0a\x01\x02\x03" + nodeAddr4 + "x"}, `,"node_code":0,"node_qtype":4,"node_flags":1,"node_addrs":` +
			`[{"address":"10.1.2.3","ttl":4294967295},{"address":"10.1.2.3","ttl":0}],"node_truncated":true,"node_malformed":true`},
		{3, nodeReply{flags: 2, data: nodeAddr6}, `,"node_code":0,"node_qtype":3,"node_flags":2,"node_addrs":[{"address":"2001:db8::1","ttl":0}],"node_truncated":false,"node_malformed":false`},
		{3, nodeReply{}, `,"node_code":0,"node_qtype":3,"node_flags":0,"node_addrs":[],"node_truncated":false,"node_malformed":false`},
		{2, nodeReply{code: 1, data: none + "\x03foo\x00"}, `,"node_code":1,"node_qtype":2,"node_flags":0`},
		{3, nodeReply{code: 2, data: nodeAddr6}, `,"node_code":2,"node_qtype":3,"node_flags":0`},
		{0x1234, nodeReply{data: "x"}, `,"node_code":0,"node_qtype":4660,"node_flags":0`},
	} {
		reply := tt.reply.of(wire.AppendNodeQuery(nil, tt.qtype, 0, 0, nil))
		if diff := cmp.Diff(tt.want, keysOf(t, render.JSONL, &ping.Event{Kind: ping.Duplicate, Data: reply})); diff != "" {
			t.Errorf("%d %+v (-want +got)\n%s", tt.qtype, tt.reply, diff)
		}
	}
	// The data of other events are no answer to -N.
	data := (&nodeReply{}).of(wire.AppendNodeQuery(nil, 2, 0, 0, nil))
	for _, ev := range []ping.Event{{Kind: ping.Reply, Data: data, Wrong: 1}, {Kind: ping.Advice, Data: data}, {Kind: ping.Foreign, Data: data}, {Kind: ping.Reply, Data: data[:15]}} {
		if got := keysOf(t, render.JSONL, &ev); got != "" {
			t.Errorf("%v: %s", ev.Kind, got)
		}
	}
}

// A list is JSON in CSV, and text without control bytes in a table.
func TestEchoOptionColumns_text(t *testing.T) {
	reply := nodeReply{data: "\x00\x00\x00\x00\x02\x1b,\x00"}
	ev := &ping.Event{Kind: ping.Reply, Options: []byte("\x07\x07\x08\x0a\x00\x00\x01"), Data: reply.of(wire.AppendNodeQuery(nil, 2, 0, 0, nil))}
	_, got, _ := strings.Cut(keysOf(t, render.CSV, ev), "\r\n")
	want := `"[{""address"":""10.0.0.1""}]",,,,,,0,2,0,"[{""name"":""\u001b,"",""full"":true,""escaped"":""\\027,""}]",,,false` + "\r\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("csv (-want +got)\n%s", diff)
	}
	table := keysOf(t, render.Table, ev)
	if strings.Contains(table, "\x1b") || !strings.Contains(table, " 10.0.0.1 ") || !strings.Contains(table, ` \x1b,/true/\027, `) {
		t.Errorf("table\n%s", table)
	}
}

// The keys of -R, -T and -N, of real packets.
func TestPingFormats_options(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		nstest.Require(t, nstest.Raw)
		lab := newPingLab(t)
		gnet := publicDir(t) + "/ping"
		copyExecutable(t, gnet)
		var reply atomic.Pointer[nodeReply]
		reply.Store(&nodeReply{data: "\x00\x00\x00\x00\x03foo\x07example\x00"})
		defer nodeResponder(t, lab.server, func(query []byte) []byte { return reply.Load().of(query) })()
		vary := regexp.MustCompile(`("(?:time|rtt_ns|rtt_source|midnight_ms)"):(?:"[^"]*"|\d+)`)
		keys := func(line string) string {
			got := lab.client.Run(t, gnet, strings.Fields(line)...)
			row, _, _ := strings.Cut(vary.ReplaceAllString(got.Stdout, "$1:_"), "}\n")
			_, after, ok := strings.Cut(row, `"late":false`)
			if !ok || got.Stderr != "" || got.Status != 0 {
				return fmt.Sprintf("%+v", got)
			}
			return after
		}
		hop := func(addr string) string { return `{"address":"` + addr + `"}` }
		stamp := func(addr string) string { return `{"address":"` + addr + `","midnight_ms":_,"standard":true}` }
		for _, tt := range []struct{ line, want string }{
			{"--format jsonl -c1 -R " + labServer4, `,"route":[` + strings.Join([]string{hop("10.77.1.1"), hop("10.77.2.1"), hop("10.77.3.1"), hop("10.77.3.2"),
				hop("10.77.3.2"), hop("10.77.2.2"), hop("10.77.1.2"), hop("10.77.1.1")}, ",") + `]`},
			{"--format jsonl -c1 -T tsandaddr " + labServer4, `,"timestamps":[` + strings.Join([]string{stamp("10.77.1.1"), stamp("10.77.1.2"), stamp("10.77.2.2"),
				stamp("10.77.3.2")}, ",") + `],"unrecorded_hops":3`},
			{"--format jsonl -c1 -T tsprespec 10.77.3.1 10.77.9.9 " + labServer4, `,"timestamps":[` + stamp("10.77.3.1") + `],"unrecorded_hops":0`},
			{"--format jsonl -c1 -N name " + labServer6, `,"node_code":0,"node_qtype":2,"node_flags":0,"node_names":[{"name":"foo.example","full":true}],"node_malformed":false`},
			{"--format jsonl -c1 " + labServer6, ""},
		} {
			if diff := cmp.Diff(tt.want, keys(tt.line)); diff != "" {
				t.Errorf("ping %s (-want +got)\n%s", tt.line, diff)
			}
		}
	})
}
