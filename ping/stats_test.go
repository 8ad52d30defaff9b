package ping

import (
	"slices"
	"testing"
	"time"
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

func TestStats_Loss(t *testing.T) {
	for _, tt := range []struct {
		transmitted, received int64
		want                  float64
	}{{0, 0, 0}, {4, 4, 0}, {4, 3, 25}, {11, 8, 300.0 / 11}, {5, 0, 100}} {
		if got := (&Stats{Transmitted: tt.transmitted, Received: tt.received}).Loss(); got != tt.want {
			t.Errorf("Loss of %d/%d = %v, want %v", tt.received, tt.transmitted, got, tt.want)
		}
	}
}

// What our own kernel refused is no loss on the network.
func TestStats_LossOfSent(t *testing.T) {
	for _, tt := range []struct {
		transmitted, notSent, received int64
		want                           float64
		ok                             bool
	}{{0, 0, 0, 0, false}, {3, 3, 0, 0, false}, {4, 0, 3, 25, true}, {8, 5, 3, 0, true}, {4, 2, 1, 50, true}} {
		got, ok := (&Stats{Transmitted: tt.transmitted, NotSent: tt.notSent, Received: tt.received}).LossOfSent()
		if got != tt.want || ok != tt.ok {
			t.Errorf("LossOfSent of %d/%d, %d not sent = %v, %v; want %v, %v", tt.received, tt.transmitted, tt.notSent, got, ok, tt.want, tt.ok)
		}
	}
}
