package ping

import (
	"slices"
	"testing"
	"time"
	"unsafe"
)

// Where a figure was captured from iputils for times that it printed with all
// their digits, it is that one (adaptive, preload, crossed, SIGQUIT).
func TestSpread(t *testing.T) {
	for _, tt := range []struct {
		name                string
		us                  []int64
		avg, mdev, movingUS int64
	}{
		{"three", []int64{70, 76, 84}, 76, 5, 72},
		{"adaptive", []int64{69, 24, 19, 19, 18}, 29, 19, 48},
		{"preload", []int64{63, 16, 15, 92, 92}, 55, 34, 61},
		{"crossed", []int64{204, 701000, 191, 701125}, 350630, 350432, 154886},
		{"SIGQUIT", []int64{67, 55, 79, 76}, 69, 9, 68},
		{"one", []int64{57}, 57, 0, 57},
		{"ages", []int64{1795331991931027, 1795331992136052}, 1795331992033539, 102512, 1795331991956655},
		{"equal and long", []int64{4000000000, 4000000000, 4000000000}, 4000000000, 0, 4000000000},
		{"nothing", nil, 0, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var s Spread
			for _, us := range tt.us {
				s.add(time.Duration(us) * time.Microsecond)
			}
			got := [5]int64{s.Min.Microseconds(), s.Average().Microseconds(), s.Max.Microseconds(), s.Deviation().Microseconds(), s.Moving().Microseconds()}
			want := [5]int64{0, tt.avg, 0, tt.mdev, tt.movingUS}
			if len(tt.us) > 0 {
				want[0], want[2] = slices.Min(tt.us), slices.Max(tt.us)
			}
			if got != want {
				t.Errorf("min, average, max, deviation, moving = %v, want %v", got, want)
			}
		})
	}
}

// What our own kernel refused, and what reached us and found no room, the network
// did not lose.
func TestStats_Loss(t *testing.T) {
	for _, tt := range []struct {
		stats Stats
		want  float64
		ok    bool
	}{
		{Stats{}, 0, false},
		{Stats{NotSent: 3}, 0, false},
		{Stats{Transmitted: 4, Received: 4}, 0, true},
		{Stats{Transmitted: 4, Received: 3}, 25, true},
		{Stats{Transmitted: 11, Received: 8}, 300.0 / 11, true},
		{Stats{Transmitted: 5}, 100, true},
		{Stats{Transmitted: 3, NotSent: 5, Received: 3}, 0, true},
		{Stats{Transmitted: 2, NotSent: 2, Received: 1}, 50, true},
		{Stats{Transmitted: 10, Received: 5, Dropped: 3}, 20, true},
		{Stats{Transmitted: 10, Received: 5, Dropped: 9}, 0, true},
	} {
		got, ok := tt.stats.Loss()
		if got != tt.want || ok != tt.ok {
			t.Errorf("Loss of %+v = %v, %v; want %v, %v", tt.stats, got, ok, tt.want, tt.ok)
		}
	}
}

// The mean lies between the shortest and the longest, to the nanosecond.
func TestSpread_nanoseconds(t *testing.T) {
	var s Spread
	for _, ns := range []time.Duration{12938, 12940, 12951} {
		s.add(ns)
	}
	got := [4]time.Duration{s.Min, s.Average(), s.Max, s.Deviation()}
	if want := [4]time.Duration{12938, 12943, 12951, 5}; got != want {
		t.Errorf("min, average, max, deviation = %d, want %d", got, want)
	}
}

// One is kept for each of many targets.
func TestStats_size(t *testing.T) {
	if size := unsafe.Sizeof(Stats{}); size > 256 {
		t.Errorf("Stats has %d bytes", size)
	}
}
