package path

import (
	"slices"

	"gnet/ping/probe"
)

// known are the sizes that paths really have, from the largest: links, and what
// tunnels leave of them.
func known() []int {
	return []int{9216, 9001, 9000, 8996, 8992, 8980, 8976, 8973, 8966, 8950, 8946, 8942, 8900, 8896, 8800, 8192, 8166, 4470,
		4352, 2002, 1500, 1498, 1496, 1492, 1488, 1480, 1476, 1472, 1468, 1464, 1462, 1460, 1458, 1454, 1452, 1450, 1448, 1446,
		1442, 1440, 1438, 1436, 1432, 1430, 1428, 1424, 1422, 1420, 1418, 1416, 1412, 1408, 1406, 1404, 1400, 1396, 1392, 1390,
		1384, 1380, 1376, 1372, 1370, 1362, 1360, 1358, 1350, 1342, 1340, 1332, 1320, 1300, 1280, 1240, 1200, 1006, 576, 296}
}

const (
	// gentle and fast are how many sizes a round asks for in a search.
	gentle, fast = 10, 32
)

// smallest is the size of a control probe, which every link carries: over IPv4 the
// least MTU that a link may have, over IPv6 that of an ordinary ping.
func smallest(f probe.Family) int {
	if f == probe.IPv6 {
		return 104
	}
	return minimum(f)
}

// openingSizes are the sizes of the first burst, from the largest. The gentle ones
// weigh no more than the ten segments that a TCP connection begins with (RFC
// 6928) where the link is an Ethernet.
func openingSizes(top int, all bool) []int {
	sizes := []int{top, top}
	few := []int{4470, 1492, 1460, 1440, 1420, 1400, 1360, 1280}
	if top > 2002 {
		few = []int{4470, 1500, 1400, 1280}
	}
	if !all {
		return append(sizes, below(few, top)...)
	}
	for _, s := range below(known(), top) {
		if s+1 < top && sizes[len(sizes)-1] != s+1 {
			sizes = append(sizes, s+1)
		}
		sizes = append(sizes, s)
	}
	return sizes
}

// below are those of some sizes that are less than top.
func below(sizes []int, top int) []int {
	return slices.DeleteFunc(slices.Clone(sizes), func(s int) bool { return s >= top })
}

// between chooses at most n sizes in (lo, hi], evenly among the known ones, the
// ones that follow them, and others where there are few. Both ends are among
// them: lo+1 because lo may be the answer, hi because its loss may have been
// chance.
func between(lo, hi, n int) []int {
	if hi-lo <= n {
		return span(lo+1, hi)
	}
	candidates := []int{lo + 1, hi}
	for _, s := range known() {
		for _, c := range []int{s, s + 1} {
			if c > lo && c < hi {
				candidates = append(candidates, c)
			}
		}
	}
	for i := 1; i < n; i++ {
		candidates = append(candidates, lo+(hi-lo)*i/n)
	}
	slices.Sort(candidates)
	candidates = slices.Compact(candidates)
	chosen := make([]int, n)
	for i := range chosen {
		chosen[i] = candidates[i*(len(candidates)-1)/(n-1)]
	}
	return slices.Compact(chosen)
}

// span are the sizes from first to last.
func span(first, last int) []int {
	var sizes []int
	for s := first; s <= last; s++ {
		sizes = append(sizes, s)
	}
	return sizes
}
