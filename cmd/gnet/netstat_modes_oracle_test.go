package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/internal/nstest"
)

// modeLines is every mode with every option that is another's: most have no
// effect there, and the sockets that -g lists beside its groups are some.
func modeLines() []string {
	var lines []string
	for _, mode := range []string{"-t", "-u", "-U", "-S", "-w", "-x", "-4", "-6", "-", "-i", "-ie", "-s", "-g", "-r", "-M"} {
		for _, more := range []string{"W", "N", "v", "d", "al", "eo", "FC"} {
			lines = append(lines, mode+more+"n")
		}
	}
	for _, family := range strings.Fields("ip6 ipx rose appletalk unix tcpip econet x25 ash bluetooth inet6,inet inet,inet unix,inet ax25,unix foo,inet , inet, INET inet6,unix,ipx") {
		for _, mode := range []string{"-n", "-rn", "-sn", "-gn"} {
			lines = append(lines, mode+" -A "+family)
		}
	}
	return append(lines, "-tuSn", "-Sutn", "-tuUwSn", "-wSn", "-USn", "-tSvn", "-Sg", "-gSn", "-g6", "-g46", "-gt", "-gxn", "-ga", "-g --ddp", "-n --ax25 --ipx", "-nx --ipx",
		"-n --x25 -x", "-nA inet --ax25", "-nv --netrom", "-6 --netrom", "-n -- -u", "-tn -", "foo -tn", "-tnAinet", "-n4444t", "-nt46 -46", "-n2", "-nt2", "-xn2", "-naf", "-n --l2cap --tcp")
}

func TestNetstatOracle_modes(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		lab := newInterfaceLab(t)
		lab.unixes()
		o := newNetstatOracle(t)
		for _, line := range modeLines() {
			o.compare(line)
		}
	})
}

// -c prints each mode again and again: two rounds of the original, and two of
// gnet's, are what one round is. -gc has its own test, since the original's
// breaks.
func TestNetstatOracle_again(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		lab := newSocketLab(t)
		lab.listen("127.0.0.1:22")
		lab.listen("[::1]:22")
		o := newNetstatOracle(t)
		for _, line := range []string{"-tlnc", "-anc", "-xnc", "-rnc", "-rn46c", "-rnFCc", "-ianWc"} {
			args := strings.Fields(line)
			once := strings.SplitAfter(o.run(o.original, []string{strings.Replace(line, "c", "", 1)}).Stdout, "\n")
			once = once[:len(once)-1]
			again := once
			if strings.HasPrefix(line, "-i") {
				again = once[1:]
			}
			want := slices.Concat(once, again)
			for _, path := range []string{o.original, o.gnet} {
				if diff := cmp.Diff(want, o.lines(path, len(want), args...)); diff != "" {
					t.Errorf("%s %s (-want +got):\n%s", path, line, diff)
				}
			}
		}
		// Counters come once, and a mode that fails does not come again.
		o.compareAll([]string{"-sc", "-s6c", "-Mc", "-tSc", "-2c", "-rc -A ax25", "-sc46"})
	})
}
