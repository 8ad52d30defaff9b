package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gnet/internal/nstest"
)

// No kernel at hand had SCTP. These rows were written by hand as sctp_eps_seq_show
// and sctp_assocs_seq_show (net/sctp/proc.c) of Linux 6.18 print them; both
// programs read them in place of the kernel's.
const (
	labEpsHead = " ENDPT     SOCK   STY SST HBKT LPORT   UID INODE LADDRS\n"
	labEps     = labEpsHead +
		"00000000a1b2c3d4 00000000b1b2c3d4 2   10  27   5001      0 12345 127.0.0.1 10.0.0.1 2001:0db8:0000:0000:0000:0000:0000:0001 \n" +
		"00000000a1b2c3d5 00000000b1b2c3d5 2   10  28   22     1000 12346 0.0.0.0 \n" +
		"00000000a1b2c3d6 00000000b1b2c3d6 0   7   28   0     65534 12347 0000:0000:0000:0000:0000:0000:0000:0000 \n" +
		"00000000a1b2c3d4 00000000b1b2c3d4 2   10  27   65535     0 12345 2001:0db8:1234:5678:9abc:def0:1234:5678 0000:0000:0000:0000:0000:ffff:0a00:0001 " +
		"0000:0000:0000:0000:0000:0000:0000:0001 2001:0db8:1234:5678:9abc:def0:1234:5678 \n" +
		"garbage\n\n" +
		"00000000a1b2c3d4 00000000b1b2c3d4 2   12  27   5001     0 77 127.0.0.1 \n" +
		"00000000a1b2c3d4 00000000b1b2c3d4 2   0   27   5001     0 77 127.0.0.1 \n" +
		"00000000a1b2c3d4 00000000b1b2c3d4 2   11  27   5001     0 77 127.0.0.1 \n"
	labAssocsHead = " ASSOC     SOCK   STY SST ST HBKT ASSOC-ID TX_QUEUE RX_QUEUE UID INODE LPORT RPORT LADDRS <-> RADDRS HBINT INS OUTS MAXRT T1X T2X RTXC wmema wmemq sndbuf rcvbuf\n"
	labAssocsTail = "\t    7500    10    10   10    0    0        0        1        0   212992   212992\n"
	labAssocs     = labAssocsHead +
		"00000000c1b2c3d4 00000000b1b2c3d4 2   1   3  0       3     1234     5678       0 12345 5001  40000  127.0.0.1 *10.0.0.1 <-> *127.0.0.2 10.0.0.2 " + labAssocsTail +
		"00000000c1b2c3d5 00000000b1b2c3d5 2   1   0  0       3        0        0    1000 12346 5002  40001  2001:0db8:0000:0000:0000:0000:0000:0001 <-> *2001:0db8:0000:0000:0000:0000:0000:0002 " + labAssocsTail +
		"00000000c1b2c3d6 00000000b1b2c3d6 2   10  9  0       3        0        0    1000 12347 80    443    10.0.0.1 <-> *10.0.0.2 10.0.0.3 " + labAssocsTail +
		"00000000c1b2c3d4 00000000b1b2c3d4 2   1   3  0       3 12345678 56789012       0 12345 5001  40000  127.0.0.1 *10.0.0.1 2001:0db8:1234:5678:9abc:def0:1234:5678 10.0.0.3 <-> *127.0.0.2 2001:0db8:1234:5678:9abc:def0:1234:5679 " + labAssocsTail +
		"00000000c1b2c3d4 00000000b1b2c3d4 2   3   3  0       3        1        2       0     0 5001  40000  2001:0db8:1234:5678:9abc:def0:1234:5678 <-> *127.0.0.2 127.0.0.3 127.0.0.4 " + labAssocsTail +
		"garbage\n" +
		"00000000c1b2c3d4 00000000b1b2c3d4 2   8   3  0       3        1        2       0     0 22    25     0000:0000:0000:0000:0000:ffff:0a00:0001 <-> *0000:0000:0000:0000:0000:ffff:0a00:0002 " + labAssocsTail
)

func TestNetstatOracle_sctp(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		newSocketLab(t)
		o := newNetstatOracle(t)
		for _, files := range []map[string]string{
			{"sctp/eps": labEps, "sctp/assocs": labAssocs}, {"sctp/eps": labEps}, {"sctp/assocs": labAssocs}, {"none": ""}, {"sctp/eps": labEpsHead, "sctp/assocs": labAssocsHead},
		} {
			fakeProc(t, files)
			o.compareAll([]string{"-Sn", "-San", "-Sln", "-S", "-Sa", "-Salnpe", "-Sae", "-Sane", "-Sanp", "-Sano", "-SanW", "-Saneepo", "-Sn --numeric-users", "-4Sn", "-6Sn", "-46San",
				"-4Sln", "-Sav", "-Slv", "-Sv", "-A inet -San", "-SxA inet", "-tSn -6", "--sctp --all"})
		}
	})
}

func TestNetstatDiffers_sctp(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		newSocketLab(t)
		o := newNetstatOracle(t)

		difference(t, "sctp-row")
		fakeProc(t, map[string]string{"sctp/eps": labEpsHead + "a b 2 10 27 22 0 77\na b 2 10 27 22 0 77 foo\n", "sctp/assocs": labAssocsHead + "a b 2 1 3 0 3 1 2 0 9 22 25 10.0.0.1 10.0.0.2\n"})
		const head = "Active Internet connections (servers and established)\nProto Recv-Q Send-Q Local Address           Foreign Address         State      \n"
		o.expect("-San", nstest.Result{Stdout: head, Stderr: "warning, got bogus sctp eps line.\nhint: /proc/net/sctp/eps: line 2: LADDRS: no address\n" +
			"warning, got bogus sctp eps line.\nhint: /proc/net/sctp/eps: line 3: LADDRS \"foo\": no address\n" +
			"warning, got bogus sctp assoc line.\nhint: /proc/net/sctp/assocs: line 2: LADDRS: no <-> behind the local addresses\n"})
		servers := strings.Replace(head, "servers and established", "only servers", 1)
		want := servers + "\nsctp                255.255.255.255:22                              LISTEN     \n"
		if got := o.run(o.original, []string{"-Sln"}).Stdout; got != want {
			t.Errorf("the original's -Sln:\n%s", got)
		}
	})
}

// Owners, and the machine formats, over a captured tree.
func TestNetstat_sctpDocument(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"net/sctp/eps":    strings.Join(strings.SplitAfter(labEps, "\n")[:2], ""),
		"net/sctp/assocs": strings.Join(strings.SplitAfter(labAssocs, "\n")[:2], ""),
		"77/comm":         "holder\n", "77/cmdline": "/bin/holder\x00",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(dir+"/77/fd", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("socket:[12345]", dir+"/77/fd/4"); err != nil {
		t.Fatal(err)
	}
	netstatPrints(t, "-Sanp --proc-root "+dir, "Active Internet connections (servers and established)\n"+
		"Proto Recv-Q Send-Q Local Address           Foreign Address         State       PID/Program name    \n"+
		"sctp                127.0.0.1:5001                                  LISTEN     \n"+
		"                    10.0.0.1:5001                                              \n"+
		"                    2001:db8::1:5001                                            77/holder           \n"+
		"sctp    5678   1234 127.0.0.1:5001          127.0.0.2:40000         ESTABLISHED\n"+
		"                    10.0.0.1                10.0.0.2                            77/holder           \n")
	netstatPrints(t, "-Sanop --format jsonl --proc-root "+dir,
		`{"kind":"row","proto":"sctp","family":"inet","local_addr":"127.0.0.1","local_port":5001,"foreign_addr":"0.0.0.0","foreign_port":0,"state":"LISTEN",`+
			`"local_addrs":[{"addr":"127.0.0.1","primary":false},{"addr":"10.0.0.1","primary":false},{"addr":"2001:db8::1","primary":false}],"foreign_addrs":[],`+
			`"uid":0,"inode":"12345","owners":[{"pid":77,"comm":"holder","fd":4}]}`+"\n"+
			`{"kind":"row","proto":"sctp","family":"inet","local_addr":"127.0.0.1","local_port":5001,"foreign_addr":"127.0.0.2","foreign_port":40000,"state":"ESTABLISHED",`+
			`"recv_q":5678,"send_q":1234,"local_addrs":[{"addr":"127.0.0.1","primary":false},{"addr":"10.0.0.1","primary":true}],`+
			`"foreign_addrs":[{"addr":"127.0.0.2","primary":true},{"addr":"10.0.0.2","primary":false}],"assoc_id":3,"assoc_state":"ESTABLISHED",`+
			`"uid":0,"inode":"12345","owners":[{"pid":77,"comm":"holder","fd":4}]}`+"\n")
}
