package main

import (
	"context"

	"golang.org/x/sys/unix"

	"gnet/internal/live"
	"gnet/internal/sockdiag"
)

// askKill asks before a socket is ended.
func (v *watchView) askKill(w *watched) {
	if w.gone {
		v.message, v.bad = "it is gone", true
		return
	}
	asked := *w
	v.asking = &asked
}

// question names the socket, so that nobody ends the one that came in its place.
func (v *watchView) question() string {
	s := v.asking.socket()
	return "end " + inetWord(&s) + " " + v.endpoint(s.Proto, s.Local) + " " + v.endpoint(s.Proto, s.Remote) + "? [y/N]"
}

// answer takes the answer: whatever is not y is no.
func (v *watchView) answer(l *live.Loop, k live.Key) {
	w := v.asking
	v.asking = nil
	if k.Rune != 'y' {
		v.message = "nothing was done"
		return
	}
	target := w.target()
	v.message = "ending it"
	l.Go(func() {
		result := v.kill(target)
		l.Post(func() {
			v.message, v.bad = "the socket: "+result.word, result.word != wasKilled
			if result.err != nil {
				v.message += " (" + result.err.Error() + ")"
			}
			v.ask(v.request)
		})
	})
}

// killWatched ends one socket as --kill does.
func killWatched(target *killTarget) killResult {
	if target.done() {
		return target.result
	}
	if caps, err := getCapabilities(); err == nil && caps.effective>>unix.CAP_NET_ADMIN&1 == 0 {
		return killResult{wasDenied, errNotPermitted()}
	}
	conn, err := sockdiag.Dial()
	if err != nil {
		return killResult{wasFailed, err}
	}
	defer conn.Close()
	k := &killer{conn: conn, targets: []*killTarget{target}}
	k.run(context.Background())
	return target.result
}
