// Package live shows full-screen views: it owns the terminal while one is shown, and gives all of them the same keys, colours,
// help and manners. A View draws into a Canvas and takes keys; Run does the rest: alternate screen, resizing, suspending, and a
// clean terminal whatever ends the program.
//
// All methods of a View run on one goroutine, the caller of Run. What comes from elsewhere reaches it through Loop.Post.
//
// It is the only importer of tcell.
package live

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/gdamore/tcell/v2"
	"golang.org/x/sys/unix"
)

// View is one full-screen view.
type View interface {
	// Draw draws the whole view. The canvas is empty, and valid until Draw returns.
	Draw(c *Canvas)
	// Key takes a key that is none of Run's own: q, ?, Ctrl-C, Ctrl-L, Ctrl-Z. While Typing it takes all but the last three.
	Key(l *Loop, k Key)
	// Typing reports whether text is being typed, so that q and ? are letters.
	Typing() bool
	// Help are the view's keys, for the page that ? shows.
	Help() []Binding
}

// Binding is a line of the page of keys.
type Binding struct {
	// Keys are the names of the keys, as ParseKey reads them, with blanks between.
	Keys, Does string
	// Sign has Keys be signs in the picture instead, which the page explains below the keys.
	Sign bool
}

// Options say how a view is shown.
type Options struct {
	// ASCII draws with ASCII alone, Mono without colours.
	ASCII, Mono bool
	// Every is the time between two calls of Tick, which gets the time of the clock and reports whether the picture is another now; 0
	// for none.
	Every time.Duration
	Tick  func(now time.Time) bool
	// Start is called on the goroutine of the view before the first picture, for the one who begins what fills it.
	Start func(*Loop)
}

// lively is how long a view may need more than one processor: until what it shows has begun.
const lively = time.Second

// frame is the least time between two pictures that no key asked for.
const frame = 33 * time.Millisecond

// Signaled is the end of a view by a signal. The terminal is as it was before.
type Signaled struct{ Signal os.Signal }

// Error names the signal.
func (e *Signaled) Error() string { return "ended by signal: " + e.Signal.String() }

// LostError is the end of a view because its terminal is gone.
type LostError struct{ Err error }

// Error says what reading or writing gave.
func (e *LostError) Error() string { return "terminal lost: " + e.Err.Error() }

// Unwrap returns the cause.
func (e *LostError) Unwrap() error { return e.Err }

// Loop is a view that is being shown.
type Loop struct {
	screen  tcell.Screen
	view    View
	opts    Options
	theme   *theme
	posts   chan func()
	done    chan struct{}
	over    bool
	err     error
	help    helpPage
	dirty   bool
	picture picture
	touched bool
	anew    bool // the next picture is drawn whole, whatever the terminal shows
	sized   bool // tcell has told of the size
	// clipboard: the terminal is of a kind that has one.
	clipboard bool

	// Of a terminal; nil of a simulation.
	tty     *tty
	signals *signals
	panics  chan string   // one of a goroutine of Go
	closed  chan struct{} // closed when the terminal is itself again
}

// Run shows v until it quits, the context ends or a signal ends it, and gives the terminal back. The error is that of Quit, a
// *TerminalError, a *Signaled, a *LostError or that of the context.
func Run(ctx context.Context, v View, o Options) error {
	t, err := openTTY()
	if err != nil {
		return &TerminalError{"no terminal", err}
	}
	signals := catchSignals(t.hurry) // before the terminal is changed, and until it is itself again
	defer signals.release()
	screen, err := open(t)
	if err != nil {
		t.Close()
		return err
	}
	l := newLoop(screen, v, o)
	l.clipboard = hasClipboard(os.Getenv("TERM"))
	l.tty, l.signals = t, signals
	defer l.close() // a panic passes here too, and is printed on a terminal that is itself again
	return l.run(ctx)
}

// close gives the terminal back.
func (l *Loop) close() {
	close(l.done)
	l.leave()
	l.screen.Fini()
	close(l.closed)
	select {
	case text := <-l.panics:
		panic(text)
	default:
	}
}

func newLoop(screen tcell.Screen, v View, o Options) *Loop {
	colors := screen.Colors()
	if o.Mono {
		colors = 0
	}
	return &Loop{screen: screen, view: v, opts: o, theme: newTheme(colors), posts: make(chan func(), 64), done: make(chan struct{}),
		panics: make(chan string, 1), closed: make(chan struct{})}
}

// run is the loop.
func (l *Loop) run(ctx context.Context) error {
	defer context.AfterFunc(ctx, l.tty.hurry)()
	events := make(chan tcell.Event, 16)
	go l.pump(events)
	var tick <-chan time.Time
	if l.opts.Every > 0 {
		t := time.NewTicker(l.opts.Every)
		defer t.Stop()
		tick = t.C
	}
	if l.opts.Start != nil {
		l.opts.Start(l)
	}
	l.draw()
	rest := time.After(lively)
	var late <-chan time.Time // when the picture is due
	var last time.Time        // when one was drawn that no key asked for: the first post is drawn at once
	for !l.over {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case s := <-l.signals.end:
			return &Signaled{s}
		case <-l.signals.stop:
			l.suspend(false)
		case <-l.signals.cont:
			l.woken()
		case <-l.signals.pipe:
		case text := <-l.panics:
			panic(text)
		case err := <-l.tty.lost:
			return &LostError{err}
		case ev, ok := <-events:
			if !ok {
				return &LostError{unix.EIO}
			}
			l.event(ev)
			if len(events) == 0 && !l.over {
				l.draw()
			}
		case f := <-l.posts:
			f()
			l.dirty = true
		case now := <-tick:
			if l.opts.Tick(now) {
				l.dirty = true
			}
		case <-rest:
			// One processor is enough from here on. With more of them the scheduler wakes one to look for work at each event, and asks once a
			// second how many there are: together a tenth or more of what a view at rest takes. The change stops them all, which at the
			// start takes as long as half a picture.
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
		case <-late:
			late, last = nil, time.Now()
			l.draw()
		}
		if l.dirty && late == nil {
			late = time.After(frame - time.Since(last))
		}
	}
	return l.err
}

// maxKeys is how many keys wait at most while a view is busy; of a longer paste the rest is left out.
const maxKeys = 1 << 16

// pump passes on what tcell reads, which stops reading, and cannot be ended, while nobody takes it.
func (l *Loop) pump(events chan<- tcell.Event) {
	defer close(events)
	read := make(chan tcell.Event)
	go l.screen.ChannelEvents(read, l.closed)
	var queue []tcell.Event
	for {
		var out chan<- tcell.Event
		var head tcell.Event
		if len(queue) > 0 {
			out, head = events, queue[0]
		}
		select {
		case ev, ok := <-read:
			if !ok {
				return
			}
			if len(queue) < maxKeys {
				queue = append(queue, ev)
			}
		case out <- head:
			queue = queue[1:]
		}
	}
}

// event takes what the terminal sent.
func (l *Loop) event(ev tcell.Event) {
	switch ev := ev.(type) {
	case *tcell.EventKey:
		l.key(keyOf(ev))
	case *tcell.EventResize:
		w, h := ev.Size() // the first one is that with which the view began
		l.anew = l.anew || l.sized || w != l.picture.w || h != l.picture.h
		l.sized = true
	case *tcell.EventError:
		l.Quit(&LostError{ev})
	}
}

// key takes a key: those that every view has, then those of the view.
func (l *Loop) key(k Key) {
	l.touched = true
	switch {
	case k.Code == CtrlC || k.Code == CtrlBackslash:
		l.Quit(nil)
	case k.Code == CtrlL:
		l.anew = true
	case k.Code == CtrlZ:
		l.suspend(true)
	case l.help.shown:
		l.help.key(k)
	case l.view.Typing():
		l.view.Key(l, k)
	case k.Rune == 'q':
		l.Quit(nil)
	case k.Rune == '?' || k.Code == F1:
		l.help = helpPage{shown: true}
	default:
		l.view.Key(l, k)
	}
}

// draw draws the picture.
func (l *Loop) draw() {
	l.dirty = false
	w, h := l.screen.Size()
	if l.anew {
		l.picture.forget()
	}
	l.picture.begin(w, h)
	c := &Canvas{picture: &l.picture, w: w, h: h, ASCII: l.opts.ASCII}
	if l.help.shown {
		l.help.draw(c, l.view.Help())
	} else {
		l.view.Draw(c)
	}
	switch changed := l.picture.flush(l.screen, l.theme); {
	case l.anew:
		l.screen.Sync()
	case changed:
		l.screen.Show()
	}
	l.anew = false
	if l.tty != nil {
		l.tty.flush()
	}
}

// Touched reports whether a key has been pressed: somebody is looking.
func (l *Loop) Touched() bool { return l.touched }

// Quit ends the view; Run returns err.
func (l *Loop) Quit(err error) { l.over, l.err = true, err }

// Copy gives text to the clipboard of the terminal, by OSC 52, and reports whether terminals of this kind have that. One that has it may
// be set to ignore it.
func (l *Loop) Copy(text string) bool {
	if l.clipboard {
		l.screen.SetClipboard([]byte(text))
	}
	return l.clipboard
}

// Post has f run on the goroutine of the view, and the picture drawn anew soon after. It waits while many wait already, and
// returns false when the view is over, and f will not run.
func (l *Loop) Post(f func()) bool {
	select {
	case l.posts <- f:
		return true
	case <-l.done:
		return false
	}
}

// Go runs f on a goroutine of its own. A panic in it ends the view as one of the view itself would: with the terminal as it was.
func (l *Loop) Go(f func()) {
	go func() {
		defer func() {
			if r := recover(); r != nil {
				l.Panic(fmt.Sprintf("%v\n\n%s", r, debug.Stack()))
			}
		}()
		f()
	}()
}

// Panic ends the view, and the program, by a panic of that text, on a terminal that is as it was. It does not return: it is for a
// goroutine that cannot go on.
func (l *Loop) Panic(text string) {
	select {
	case l.panics <- text:
	default: // another was first
	}
	<-l.closed
	panic(text)
}

// Done is closed when the view is over.
func (l *Loop) Done() <-chan struct{} { return l.done }
