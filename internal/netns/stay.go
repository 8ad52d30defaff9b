package netns

import (
	"os"
	"path/filepath"
	"sync"
)

// Stay is a thread that stays in a network namespace, for those who read its files under /proc from other threads.
type Stay struct {
	// ProcNet is the namespace's directory of tables, /proc/<pid>/task/<tid>/net. It shows the namespace as long as the thread stays:
	// the kernel looks at the thread's namespace each time a name below it is looked up (fs/proc/proc_net.c).
	ProcNet string

	calls chan func()
	end   sync.Once
	ended chan error
}

// Stay sends a thread into the namespace until Leave. The error is that of entering.
func (n *NS) Stay() (*Stay, error) {
	s := &Stay{calls: make(chan func()), ended: make(chan error, 1)}
	entered := make(chan struct{})
	go func() {
		s.ended <- n.Do(func() error {
			self, err := os.Readlink("/proc/thread-self") // in the numbers of the process namespace that /proc shows
			if err != nil {
				return &Error{Op: "find the thread in /proc", Err: err}
			}
			s.ProcNet = filepath.Join("/proc", self, "net")
			close(entered)
			for call := range s.calls {
				call()
			}
			return nil
		})
	}()
	select {
	case <-entered:
		return s, nil
	case err := <-s.ended:
		return nil, err
	}
}

// Do runs fn on the thread. Sockets that fn makes belong to the namespace for good. fn must return, and Do must not be called after
// Leave.
func (s *Stay) Do(fn func()) {
	done := make(chan struct{})
	s.calls <- func() {
		defer close(done)
		fn()
	}
	<-done
}

// Leave ends the stay: the thread goes back to its own namespace, or ends.
func (s *Stay) Leave() {
	s.end.Do(func() {
		close(s.calls)
		<-s.ended
	})
}
