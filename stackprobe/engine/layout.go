package engine

import (
	"fmt"
	"reflect"
	"sync"
	"unsafe"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/seqnum"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
)

// layout says where netstack keeps what its interface does not show: the variables of the sender in the moment of a
// transmission, the state of loss recovery, and the timers. It is found by name and type when the first stack is made,
// so another version of netstack gives a LayoutError and never a wrong value. Reading moves nothing: a run that is
// watched is the same as one that is not.
//
// Everything is read with the connection's lock held, under which netstack writes it.
type layout struct {
	snd, rcv, handshake    field[unsafe.Pointer]
	sack                   field[tcp.SACKInfo]
	scoreboard             field[*tcp.SACKScoreboard]
	sndBuf                 field[tcp.TCPSndBufState]
	outOfWindowAck         field[tcpip.MonotonicTime]
	timeWait, finWait2     field[tcpip.Timer]
	keepalive              lazyTimer
	unansweredKeepalives   field[int]
	sender                 field[tcp.TCPSenderState]
	rtt                    field[tcp.TCPRTTState]
	congestion             field[tcpip.CongestionControlState]
	probing                field[bool]
	unansweredProbes       field[uint32]
	resend, reorder, probe lazyTimer
	receiver               field[tcp.TCPReceiverState]

	iss, ackNum        field[seqnum.Value]
	handRcvWnd         field[seqnum.Size]
	active             field[bool]
	handTimer          field[unsafe.Pointer]
	handTimeout        field[int64]
	handClock          field[tcpip.Timer]
	lazyState          field[int]
	lazyTarget         field[tcpip.MonotonicTime]
	lazyClock          field[tcpip.Timer]
	connectionRecovery field[tcpip.TCPRecovery]
}

// field is the place of a T in a struct.
type field[T any] uintptr

// in returns the field of the struct at p.
func (f field[T]) in(p unsafe.Pointer) *T { return (*T)(unsafe.Add(p, uintptr(f))) }

// lazyTimer is the place of a timer of netstack's own kind (transport/tcp/timer.go).
type lazyTimer uintptr

func (t lazyTimer) in(p unsafe.Pointer) unsafe.Pointer { return unsafe.Add(p, uintptr(t)) }

// LayoutError is a version of netstack that keeps its variables elsewhere.
type LayoutError struct{ Type, Field string }

// Error names what was not found.
func (e *LayoutError) Error() string {
	return fmt.Sprintf("engine: this version of netstack has no %s.%s as expected", e.Type, e.Field)
}

// enabled is timerStateEnabled of netstack's timer.
const enabled = 2

// netstack returns the layout, looked for once.
var netstack = sync.OnceValues(findLayout)

// finder looks for fields and keeps the first failure.
type finder struct{ err error }

func findLayout() (*layout, error) {
	f, e := &finder{}, reflect.TypeFor[tcp.Endpoint]()
	l := &layout{
		snd: find[unsafe.Pointer](f, e, "snd"), rcv: find[unsafe.Pointer](f, e, "rcv"), handshake: find[unsafe.Pointer](f, e, "h"),
		sack: find[tcp.SACKInfo](f, e, "sack"), scoreboard: find[*tcp.SACKScoreboard](f, e, "scoreboard"),
		sndBuf:         find[tcp.TCPSndBufState](f, e, "sndQueueInfo", "TCPSndBufState"),
		outOfWindowAck: find[tcpip.MonotonicTime](f, e, "lastOutOfWindowAckTime"),
		timeWait:       find[tcpip.Timer](f, e, "timeWaitTimer"), finWait2: find[tcpip.Timer](f, e, "finWait2Timer"),
		keepalive: f.timer(e, "keepalive", "timer"), unansweredKeepalives: find[int](f, e, "keepalive", "unacked"),
		connectionRecovery: find[tcpip.TCPRecovery](f, e, "tcpRecovery"),
	}
	l.findSender(f, f.pointee(e, "snd"))
	l.receiver = find[tcp.TCPReceiverState](f, f.pointee(e, "rcv"), "TCPReceiverState")
	l.findHandshake(f, f.pointee(e, "h"))
	return l, f.err
}

func (l *layout) findSender(f *finder, s reflect.Type) {
	l.sender = find[tcp.TCPSenderState](f, s, "TCPSenderState")
	l.rtt = find[tcp.TCPRTTState](f, s, "rtt", "TCPRTTState")
	l.congestion = find[tcpip.CongestionControlState](f, s, "state")
	l.probing = find[bool](f, s, "zeroWindowProbing")
	l.unansweredProbes = find[uint32](f, s, "unackZeroWindowProbes")
	l.resend, l.reorder, l.probe = f.timer(s, "resendTimer"), f.timer(s, "reorderTimer"), f.timer(s, "probeTimer")
	t, _ := f.field(s, "resendTimer")
	l.lazyState = find[int](f, t, "state")
	l.lazyTarget = find[tcpip.MonotonicTime](f, t, "target")
	l.lazyClock = find[tcpip.Timer](f, t, "timer")
}

func (l *layout) findHandshake(f *finder, h reflect.Type) {
	l.iss, l.ackNum = find[seqnum.Value](f, h, "iss"), find[seqnum.Value](f, h, "ackNum")
	l.handRcvWnd = find[seqnum.Size](f, h, "rcvWnd")
	l.active = find[bool](f, h, "active")
	l.handTimer = find[unsafe.Pointer](f, h, "retransmitTimer")
	b := f.pointee(h, "retransmitTimer")
	l.handTimeout = find[int64](f, b, "timeout")
	l.handClock = find[tcpip.Timer](f, b, "t")
}

// field returns type and place of the field that path names, one embedded struct after the other.
func (f *finder) field(in reflect.Type, path ...string) (reflect.Type, uintptr) {
	var offset uintptr
	for _, name := range path {
		if in.Kind() != reflect.Struct {
			f.fail(in, name)
			return reflect.TypeFor[struct{}](), 0
		}
		sf, ok := in.FieldByName(name)
		if !ok || len(sf.Index) != 1 {
			f.fail(in, name)
			return reflect.TypeFor[struct{}](), 0
		}
		in, offset = sf.Type, offset+sf.Offset
	}
	return in, offset
}

func (f *finder) fail(in reflect.Type, name string) {
	if f.err == nil {
		f.err = &LayoutError{in.String(), name}
	}
}

// find returns the place of a field whose type must be T. A pointer to one of netstack's own types is an
// unsafe.Pointer, a type that it has made of int or int64 is that.
func find[T any](f *finder, in reflect.Type, path ...string) field[T] {
	t, offset := f.field(in, path...)
	want := reflect.TypeFor[T]()
	number := (want == reflect.TypeFor[int]() || want == reflect.TypeFor[int64]()) && t.Kind() == want.Kind()
	pointer := want == reflect.TypeFor[unsafe.Pointer]() && t.Kind() == reflect.Pointer
	if t != want && !number && !pointer {
		f.fail(in, path[len(path)-1])
	}
	return field[T](offset)
}

// timer returns the place of a lazy timer.
func (f *finder) timer(in reflect.Type, path ...string) lazyTimer {
	t, offset := f.field(in, path...)
	if t.Name() != "timer" {
		f.fail(in, path[len(path)-1])
	}
	return lazyTimer(offset)
}

// pointee returns the struct that a pointer field points to.
func (f *finder) pointee(in reflect.Type, name string) reflect.Type {
	t, _ := f.field(in, name)
	if t.Kind() != reflect.Pointer {
		f.fail(in, name)
		return reflect.TypeFor[struct{}]()
	}
	return t.Elem()
}
