package procnet

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// No kernel at hand had SCTP. These rows were written by hand as the functions of net/sctp/proc.c that sctp.go names print them:
// the format strings of Linux 6.18, with its headings, blanks behind each address and the tab behind the last.
const (
	sctpEpsHead = " ENDPT     SOCK   STY SST HBKT LPORT   UID INODE LADDRS\n"
	sctpEps     = sctpEpsHead +
		"00000000a1b2c3d4 00000000b1b2c3d4 2   10  27   5001      0 12345 127.0.0.1 10.0.0.1 2001:0db8:0000:0000:0000:0000:0000:0001 \n" +
		"00000000a1b2c3d5 00000000b1b2c3d5 0   10  28   22     1000 12346 0000:0000:0000:0000:0000:0000:0000:0000 \n" +
		"00000000a1b2c3d6 00000000b1b2c3d6 2   7   0    0     65534 12347 0000:0000:0000:0000:0000:ffff:0a00:0001 \n"
	sctpAssocsHead = " ASSOC     SOCK   STY SST ST HBKT ASSOC-ID TX_QUEUE RX_QUEUE UID INODE LPORT RPORT LADDRS <-> RADDRS HBINT INS OUTS MAXRT T1X T2X RTXC wmema wmemq sndbuf rcvbuf\n"
	sctpAssocs     = sctpAssocsHead +
		"00000000c1b2c3d4 00000000b1b2c3d4 2   1   3  0       3     1234     5678       0 12345 5001  40000  127.0.0.1 *10.0.0.1 <-> *127.0.0.2 10.0.0.2 \t    7500    10    10   10    0    0        0        1        0   212992   212992\n" +
		"00000000c1b2c3d5 00000000b1b2c3d5 2   2   1  0      -1        0        0    1000 12346 22    40001  *2001:0db8:0000:0000:0000:0000:0000:0001 <-> *2001:0db8:0000:0000:0000:0000:0000:0002 \t    7500    10    10   10    0    0        0        1        0   212992   212992\n"
)

// sctpText writes a row as the kernel does, without the columns that are not kept.
func sctpText(s *SCTPSocket) string {
	list := func(addrs []SCTPAddr) (text string) {
		for _, a := range addrs {
			if a.Primary {
				text += "*"
			}
			if a.Addr.Is4() {
				text += a.Addr.String() + " "
				continue
			}
			b := a.Addr.As16()
			for i := 0; i < 16; i += 2 {
				text += fmt.Sprintf("%02x%02x:", b[i], b[i+1])
			}
			text = strings.TrimSuffix(text, ":") + " "
		}
		return text
	}
	if !s.Association {
		return fmt.Sprintf("- - - %d - %d %d %d %s\n", s.State, s.Local.Port(), s.UID, s.Inode, list(s.Locals))
	}
	return fmt.Sprintf("- - - %d %d - %d %d %d %d %d %d %d %s<-> %s\n", s.State, s.Phase, s.ID, s.TxQueue, s.RxQueue, s.UID, s.Inode,
		s.Local.Port(), s.Remote.Port(), list(s.Locals), list(s.Remotes))
}

func sctpTexts(in string, associations bool) (text string, errs []string) {
	for s, err := range parseSCTP(strings.NewReader(in), "sctp", associations) {
		if err != nil {
			errs = append(errs, err.Error())
			continue
		}
		text += sctpText(s)
	}
	return text, errs
}

func TestSCTP(t *testing.T) {
	for _, c := range []struct {
		in, want     string
		associations bool
	}{
		{in: sctpEps, want: "- - - 10 - 5001 0 12345 127.0.0.1 10.0.0.1 2001:0db8:0000:0000:0000:0000:0000:0001 \n" +
			"- - - 10 - 22 1000 12346 0000:0000:0000:0000:0000:0000:0000:0000 \n- - - 7 - 0 65534 12347 0000:0000:0000:0000:0000:ffff:0a00:0001 \n"},
		{in: sctpAssocs, want: "- - - 1 3 - 3 1234 5678 0 12345 5001 40000 127.0.0.1 *10.0.0.1 <-> *127.0.0.2 10.0.0.2 \n" +
			"- - - 2 1 - -1 0 0 1000 12346 22 40001 *2001:0db8:0000:0000:0000:0000:0000:0001 <-> *2001:0db8:0000:0000:0000:0000:0000:0002 \n", associations: true},
		{in: ""}, {in: sctpEpsHead}, {in: sctpAssocsHead, associations: true},
	} {
		got, errs := sctpTexts(c.in, c.associations)
		if diff := cmp.Diff(c.want, got); diff != "" || errs != nil {
			t.Errorf("%q: errors %v (-want +got):\n%s", c.in, errs, diff)
		}
	}
	var got []string
	for s := range parseSCTP(strings.NewReader(sctpEps), "eps", false) {
		got = append(got, fmt.Sprint(s.V6, s.Local, s.Remote, s.Listening(), s.State, s.Proto == SCTP))
	}
	for s := range parseSCTP(strings.NewReader(sctpAssocs), "assocs", true) {
		got = append(got, fmt.Sprint(s.V6, s.Local, s.Remote, s.Listening(), s.State, s.Phase))
	}
	want := []string{"false 127.0.0.1:5001 0.0.0.0:0 true LISTEN true", "true [::]:22 [::]:0 true LISTEN true", "false [::ffff:10.0.0.1]:0 0.0.0.0:0 true CLOSE true",
		"false 127.0.0.1:5001 127.0.0.2:40000 false ESTABLISHED ESTABLISHED", "true [2001:db8::1]:22 [2001:db8::2]:40001 false SYN_SENT COOKIE_WAIT"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestSCTP_badRows(t *testing.T) {
	_, errs := sctpTexts(sctpEpsHead+"garbage\n\na b 2 10 27 5001 0 77\na b 2 10 27 70000 0 77 127.0.0.1\na b 2 256 27 1 0 77 127.0.0.1\na b 2 10 27 1 0 77 127.0.0.1 10.0.0\na b 2 10 27 1 0 77 fe80::1%lo\n", false)
	want := []string{"sctp: line 2: SOCK: column is missing", "sctp: line 3: ENDPT: column is missing", "sctp: line 4: LADDRS: no address",
		`sctp: line 5: LPORT "70000": number out of range`, `sctp: line 6: SST "256": number out of range`,
		`sctp: line 7: LADDRS "10.0.0": not an address`, `sctp: line 8: LADDRS "fe80::1%lo": no address`}
	if diff := cmp.Diff(want, errs); diff != "" {
		t.Errorf("endpoints (-want +got):\n%s", diff)
	}
	const row = "a b 2 1 3 0 3 1 2 0 9 5001 40000 "
	_, errs = sctpTexts(sctpAssocsHead+row+"10.0.0.1 10.0.0.2\n"+row+"10.0.0.1 <->\n"+row+"<-> 10.0.0.1\n"+row+"10.0.0.1 <-> 10.0.0.2 x 7500\n", true)
	want = []string{"sctp: line 2: LADDRS: no <-> behind the local addresses", "sctp: line 3: RADDRS: no address",
		`sctp: line 4: LADDRS "<->": no address`, `sctp: line 5: RADDRS "x": not an address`}
	if diff := cmp.Diff(want, errs); diff != "" {
		t.Errorf("associations (-want +got):\n%s", diff)
	}
}

func FuzzSCTP(f *testing.F) {
	f.Add([]byte(sctpEps), false)
	f.Add([]byte(sctpAssocs), true)
	f.Add([]byte("a b 2 1 3 0 3 1 2 0 9 5001 40000 10.0.0.1 <-> x\n\ngarbage\na b 2 10 27 5001 0 77\n"), true)
	f.Fuzz(func(t *testing.T, text []byte, associations bool) {
		stopAfter(1+len(text)%5, parseSCTP(bytes.NewReader(text), "f", associations))
		for s, err := range parseSCTP(bytes.NewReader(text), "f", associations) {
			var bad *ParseError
			switch {
			case err != nil && s != nil, err == nil && s == nil:
				t.Fatalf("row %v and error %v", s, err)
			case err != nil && !errors.As(err, &bad):
				t.Fatalf("error that is no ParseError: %v", err)
			case err == nil:
				again, errs := sctpTexts(sctpText(s), associations)
				if diff := cmp.Diff(sctpText(s), again); diff != "" || errs != nil {
					t.Fatalf("written and read again: errors %v (-first +again)\n%s", errs, diff)
				}
			}
		}
	})
}
