package routes

import (
	"iter"
	"slices"
)

// The rows of a file that are read ahead: so many in a portion, so many portions.
const (
	aheadRows     = 512
	aheadPortions = 3
)

// aheadRow is one step of a walk, kept.
type aheadRow struct {
	row Saved
	err error // in place of the row
}

// ahead reads a file on a goroutine of its own while the rows before are sent: on two processors a restore waits for the kernel alone. The
// goroutine has ended when the walk has.
func ahead(rows iter.Seq2[*Saved, error]) iter.Seq2[*Saved, error] {
	return func(yield func(*Saved, error) bool) {
		full, free := make(chan []aheadRow, aheadPortions), make(chan []aheadRow, aheadPortions)
		for range aheadPortions {
			free <- make([]aheadRow, 0, aheadRows)
		}
		stop := make(chan struct{})
		go readAhead(rows, full, free, stop)
		defer func() {
			close(stop)
			for range full { // until the goroutine closes it
			}
		}()
		for portion := range full {
			for i := range portion {
				row := &portion[i].row
				if portion[i].err != nil {
					row = nil
				}
				if !yield(row, portion[i].err) {
					return
				}
			}
			free <- portion[:0]
		}
	}
}

func readAhead(rows iter.Seq2[*Saved, error], full chan<- []aheadRow, free <-chan []aheadRow, stop <-chan struct{}) {
	defer close(full)
	portion := <-free
	for row, err := range rows {
		one := aheadRow{err: err}
		if err == nil {
			one.row = *row
			one.row.Route.Multipath = slices.Clone(row.Route.Multipath)
		}
		if portion = append(portion, one); len(portion) < aheadRows {
			continue
		}
		full <- portion // there are never more portions than it has room for
		select {
		case portion = <-free:
		case <-stop:
			return
		}
	}
	full <- portion
}
