package main

import (
	"context"
	"os"
	"os/signal"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// catchSignals ends the context that it returns at SIGINT or SIGTERM, whose number
// is known from then on; it is 0 before. A second one ends the program. release ends
// the context and gives the signals back.
func catchSignals(parent context.Context) (ctx context.Context, number func() int, release func()) {
	ctx, cancel := context.WithCancel(parent)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, unix.SIGINT, unix.SIGTERM)
	var caught atomic.Int32
	go func() {
		defer signal.Stop(signals)
		select {
		case s := <-signals:
			if s, ok := s.(unix.Signal); ok {
				caught.Store(int32(s))
			}
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, func() int { return int(caught.Load()) }, cancel
}
