package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/internal/nstest"
	"gnet/internal/wire"
)

// mplsLabels is an MPLS object.
func mplsLabels(entries ...uint32) wire.ExtensionObject {
	o := wire.ExtensionObject{Class: wire.ClassMPLS, Type: 1}
	for _, e := range entries {
		o.Data = binary.BigEndian.AppendUint32(o.Data, e)
	}
	return o
}

// extended is the error of router n with something behind so many bytes of the probe; words
// is the length that it says its quotation has.
func (o *otherPath) extended(p udpProbe, quoted, padded, words int, behind []byte) icmpError {
	e := o.exceeded(p.TTL)
	e.Quote = append(make([]byte, 0, padded+len(behind)), p.Packet[:quoted]...)
	e.Quote = append(e.Quote, make([]byte, padded-quoted)...)
	e.Quote = append(e.Quote, behind...)
	if e.Rest = uint32(words) << 16; o.six {
		e.Rest = uint32(words/2) << 24 // it counts eight bytes, not four
	}
	return e
}

// eachExtension answers as a router of each kind, by hop.
func eachExtension(o *otherPath, p udpProbe) {
	append1 := func(objects ...wire.ExtensionObject) []byte { return wire.AppendExtensions(nil, objects...) }
	one, header := mplsLabels(16005<<12|5<<9|1<<8|1), p.Header+wire.UDPHeader
	lying := append1(one)
	lying[5] = 12 // an object longer than all there is
	lying[2], lying[3] = 0, 0
	wrong := append1(one)
	wrong[3]++
	switch p.TTL {
	case 1:
		o.say(p, o.extended(p, 128, 128, 32, append1(one)))
	case 2:
		o.say(p, o.extended(p, 160, 160, 40, append1(mplsLabels(24001<<12|1, 24002<<12|7<<9|255, 3<<12|1<<8|2))))
	case 3:
		o.say(p, o.extended(p, 128, 128, 32, append1(wire.ExtensionObject{Class: wire.ClassInterface, Type: 0x0f,
			Data: []byte{0, 0, 0, 7, 0, 1, 0, 0, 10, 0, 0, 1, 8, 'e', 't', 0x1b, '0', 0, 0, 0, 0, 0, 0x23, 0x28}})))
	case 4:
		o.say(p, o.extended(p, 128, 128, 32, append1(wire.ExtensionObject{Class: 200, Type: 9, Data: []byte("odd")}, wire.ExtensionObject{Class: wire.ClassMPLS, Type: 2})))
	case 5:
		o.say(p, o.extended(p, 128, 128, 32, wrong))
	case 6: // a length past the end
		o.say(p, o.extended(p, 136, 136, 200, append1(one)))
	case 7: // of the time before RFC 4884
		o.say(p, o.extended(p, 128, 128, 0, append1(one)))
	case 8:
		o.say(p, o.extended(p, 128, 128, 32, lying))
	case 9:
		o.say(p, o.extended(p, 128, 128, 32, append1(mplsLabels(1<<8, 1<<8), one)))
	case 10: // zeros in place of what it does not quote
		o.say(p, o.extended(p, header, 128, 32, append1(one)))
	default:
		o.say(p, o.noPort(p))
	}
}

// What a router says beyond the code of its error is shown, and what cannot be read is counted and
// not believed, of both IP versions.
func TestTracepath_extensions(t *testing.T) {
	nstest.Peer(t, "nft")
	const one = "     MPLS: label 16005 tc 5 ttl 1 bottom\n"
	want := []string{one, "     MPLS: label 24001 tc 0 ttl 1, label 24002 tc 7 ttl 255, label 3 tc 0 ttl 2 bottom\n",
		"     Interface: incoming et\\x1b0 index 7 address 10.0.0.1 mtu 9000\n",
		"     Extension: class 200 type 9, 3 bytes\n     Extension: class 1 type 2, 0 bytes\n",
		"     Extension: malformed\n", "", one, "     Extension: malformed\n", one + "     Extension: malformed\n", one}
	for _, six := range []bool{false, true} {
		t.Run(fmt.Sprintf("six=%v", six), func(t *testing.T) {
			nstest.InNetns(t, func(t *testing.T) {
				o := newTraceOracle(t)
				o.run(o.original, "-n -m 1 "+traceTarget(six)) // the neighbour is known
				behind(t, o.path, 1, six, eachExtension)
				difference(t, "tracepath-padded")
				var original, ours strings.Builder
				for i, lines := range want {
					remark := "asymm  1 "
					if i == 0 {
						remark = ""
					}
					hop := traceLine(i+1, numbered(six, i+1).String(), remark)
					if i+1 == 10 {
						original.WriteString(traceLine(10, numbered(six, 10).String(), "(This broken router returned corrupted payload) "+remark))
					} else {
						original.WriteString(hop)
					}
					ours.WriteString(hop + lines)
				}
				end := traceLine(11, traceTarget(six), "reached") + "     Resume: pmtu 1000 hops 11 back 1 \nstatus 0"
				o.shown(difference(t, "tracepath-extensions"), "-n -l 1000 "+traceTarget(six), o.answer, original.String()+end, ours.String()+end)
				if diff := cmp.Diff(extensionDocument, o.extensionRows("-n -l 1000 "+traceTarget(six))); diff != "" {
					t.Errorf("document (-want +got)\n%s", diff)
				}
				// With one port no quotation of eight bytes tells its probe: that goes on one by one.
				one := o.answer(o.gnet, "-n --udp -l 1000 "+traceTarget(six))
				if diff := cmp.Diff(ours.String()+end, one.Stdout+"status 0"); diff != "" {
					t.Errorf("--udp (-want +got)\n%s", diff)
				}
			})
		})
	}
}

// extensionDocument are the extensions as rows have them, and how many errors had some that
// could not be read.
var extensionDocument = []string{
	`{"mpls":[{"label":16005,"tc":5,"ttl":1,"bottom":true}]}`,
	`{"mpls":[{"label":24001,"tc":0,"ttl":1,"bottom":false},{"label":24002,"tc":7,"ttl":255,"bottom":false},{"label":3,"tc":0,"ttl":2,"bottom":true}]}`,
	`{"interfaces":[{"role":"incoming","name":"et\u001b0","index":7,"address":"10.0.0.1","mtu":9000}]}`,
	`{"other_extensions":[{"class":200,"type":9,"length":3},{"class":1,"type":2,"length":0}]}`,
	`{"extensions_malformed":true}`, `{}`,
	`{"mpls":[{"label":16005,"tc":5,"ttl":1,"bottom":true}]}`,
	`{"extensions_malformed":true}`,
	`{"mpls":[{"label":16005,"tc":5,"ttl":1,"bottom":true}],"extensions_malformed":true}`,
	`{"mpls":[{"label":16005,"tc":5,"ttl":1,"bottom":true}]}`,
	`{}`, "malformed 3, reply port_unreachable",
}

func (o *traceOracle) extensionRows(line string) (rows []string) {
	o.t.Helper()
	type row struct {
		MPLS       json.RawMessage `json:"mpls,omitempty"`
		Interfaces json.RawMessage `json:"interfaces,omitempty"`
		Others     json.RawMessage `json:"other_extensions,omitempty"`
		Malformed  bool            `json:"extensions_malformed,omitempty"`
	}
	var d struct {
		Rows []struct {
			row
			Reply string
		}
		Summary struct {
			Malformed int `json:"malformed_extensions"`
		}
	}
	r := o.answer(o.gnet, "--json "+line)
	if err := json.Unmarshal([]byte(r.Stdout), &d); err != nil {
		o.t.Fatalf("%s: %v\n%s%s", line, err, r.Stdout, r.Stderr)
	}
	reply := ""
	for _, r := range d.Rows {
		b, err := json.Marshal(r.row)
		if err != nil {
			o.t.Fatal(err)
		}
		rows, reply = append(rows, string(b)), r.Reply
	}
	return append(rows, fmt.Sprintf("malformed %d, reply %s", d.Summary.Malformed, reply))
}
