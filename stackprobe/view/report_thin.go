package view

// thin folds the marks of a connection, the most numerous kinds, until at most so many are left.
func (c *plotted) thin(most int) {
	for limit := most; limit > 16; limit /= 2 {
		total := 0
		for _, m := range c.lists() {
			total += min(len(m.list), limit)
		}
		if total > most {
			continue
		}
		for _, m := range c.lists() {
			if len(m.list) > limit {
				m.room = 2 * limit
				m.fold()
			}
		}
		return
	}
}

// lists are all the marks and values of a connection.
func (c *plotted) lists() (all []*plotMarks) {
	for i := range c.dirs {
		for k := range c.dirs[i].marks {
			all = append(all, &c.dirs[i].marks[k])
		}
		for k := range c.dirs[i].values {
			all = append(all, &c.dirs[i].values[k])
		}
	}
	return all
}
