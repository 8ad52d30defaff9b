package main

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"gnet/internal/nstest"
)

// moved is what one program moved in one direction: bits per second, and the processor time of both ends as a share of one
// processor's.
type moved struct{ goodput, cpu float64 }

// bulk measures trace tcp --bulk beside iperf3 between two kernels over a veth pair with its offloads, both with cubic, in turn and
// in each direction.
func (l *lab) bulk() {
	l.print("\n`trace tcp --bulk`, kernel and engine over TUN with offloads, beside iperf3 between two kernels over veth with offloads, %d s each,\nMTU 1500, cubic:\n",
		l.bulkSeconds)
	l.heading("| what | gnet | iperf3 | ratio | at least | CPU gnet | CPU iperf3 |")
	iperf3, err := nstest.FindPeer("iperf3")
	if err != nil {
		l.print("| %v | | | | | | |\n", err)
		return
	}
	here, address := nstest.Here(l), l.iperfServer(iperf3)
	var ours, theirs [2][]moved
	for range l.slowRounds {
		for i, m := range l.runBulk() {
			ours[i] = append(ours[i], m)
		}
		for i, back := range []bool{false, true} {
			theirs[i] = append(theirs[i], l.runIperf(here, iperf3, address, back))
		}
	}
	for i, what := range []string{"client to server", "server to client"} {
		gnet, peer := middleMoved(ours[i]), middleMoved(theirs[i])
		ratio := gnet.goodput / peer.goodput
		l.print("| `trace tcp --bulk`, %s | %s | %s | %.2f | %s | %.0f %% | %.0f %% |\n", what, bitRate(gnet.goodput), bitRate(peer.goodput), ratio,
			atLeast(ratio, bulkAtLeast), 100*gnet.cpu, 100*peer.cpu)
	}
}

// middleMoved is the median of each figure by itself.
func middleMoved(runs []moved) moved {
	var goodput, cpu []time.Duration // which middle sorts; a bit and a millionth are no loss
	for _, m := range runs {
		goodput, cpu = append(goodput, time.Duration(m.goodput)), append(cpu, time.Duration(1e6*m.cpu))
	}
	return moved{goodput: float64(middle(goodput)), cpu: float64(middle(cpu)) / 1e6}
}

// runBulk runs gnet, and returns what each direction moved.
func (l *lab) runBulk() [2]moved {
	out, err := exec.Command(l.gnet, "trace", "tcp", "--bulk", "--time", fmt.Sprint(l.bulkSeconds, "s"), "--json").Output()
	l.must(err)
	var doc struct {
		Rows []struct {
			Goodput float64       `json:"goodput"`
			Elapsed time.Duration `json:"elapsed_ns"`
			CPU     time.Duration `json:"cpu_ns"`
		} `json:"rows"`
	}
	l.must(json.Unmarshal(out, &doc))
	if len(doc.Rows) != 2 {
		l.Fatalf("trace tcp --bulk moved data in %d directions", len(doc.Rows))
	}
	var m [2]moved
	for i, r := range doc.Rows {
		m[i] = moved{r.Goodput, r.CPU.Seconds() / r.Elapsed.Seconds()}
	}
	return m
}

// iperfServer starts iperf3 at the other end of a veth pair and returns its address there.
func (l *lab) iperfServer(iperf3 string) string {
	const address = "10.94.0.2"
	l.withoutLink("bulk")
	peer := nstest.NewHost(l, "peer")
	nstest.Connect(l, 1500, nstest.End{Host: nstest.Here(l), Name: "bulk", Addrs: []string{"10.94.0.1/24"}},
		nstest.End{Host: peer, Name: "bulk", Addrs: []string{address + "/24"}})
	peer.Start(l, exec.Command(iperf3, "-s", "-4"))
	for range 500 {
		if err := l.knock(address, 5201); err == nil {
			return address
		}
		time.Sleep(10 * time.Millisecond)
	}
	l.Fatalf("iperf3 does not listen")
	return ""
}

// knock connects and closes at once.
func (l *lab) knock(address string, port int) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	l.must(err)
	defer unix.Close(fd)
	to := unix.SockaddrInet4{Port: port}
	fmt.Sscanf(address, "%d.%d.%d.%d", &to.Addr[0], &to.Addr[1], &to.Addr[2], &to.Addr[3])
	return unix.Connect(fd, &to)
}

// runIperf runs iperf3's client, whose server sends if back is true.
func (l *lab) runIperf(from *nstest.Host, iperf3, address string, back bool) moved {
	args := []string{"-c", address, "-t", strconv.Itoa(l.bulkSeconds), "-C", "cubic", "-J"}
	if back {
		args = append(args, "-R")
	}
	out := from.Run(l, iperf3, args...)
	var doc struct {
		Error string `json:"error"`
		End   struct {
			Received struct {
				Goodput float64 `json:"bits_per_second"`
			} `json:"sum_received"`
			CPU struct {
				Here  float64 `json:"host_total"`
				There float64 `json:"remote_total"`
			} `json:"cpu_utilization_percent"`
		} `json:"end"`
	}
	l.must(json.Unmarshal([]byte(out.Stdout), &doc))
	if doc.Error != "" || doc.End.Received.Goodput == 0 {
		l.Fatalf("iperf3: %s%s", doc.Error, out.Stderr)
	}
	return moved{doc.End.Received.Goodput, (doc.End.CPU.Here + doc.End.CPU.There) / 100}
}
