package main

import "gnet/internal/render"

// countSchema names the document of netstat --count-by; gnet-json(5).
const countSchema = "gnet/netstat-count/1"

// countColumns is the column table of a document that counts by these keys.
func countColumns(keys []countKey) []render.Column[countBucket] {
	columns := []render.Column[countBucket]{
		column("count", render.Uint, "", "Sockets of which the keys beside it are true.", func(b *countBucket, v *render.Value) { v.Uint(b.sockets) }),
	}
	for i := range keys {
		columns = append(columns, render.Column[countBucket]{Field: keys[i].field,
			Get: func(b *countBucket, v *render.Value) { b.values[i].set(v, keys[i].field.Kind) }})
	}
	return columns
}

// countSummaryColumns are the keys of its summary.
func countSummaryColumns() []render.Column[socketCounter] {
	return []render.Column[socketCounter]{
		column("total", render.Uint, "", "Sockets that were counted. A socket with several owners counts once for each key that one of them has with --owners all, so that the counts may add up to more.",
			func(c *socketCounter, v *render.Value) { v.Uint(c.sockets) }),
		column("distinct", render.Uint, "", "Rows: distinct combinations of keys.", func(c *socketCounter, v *render.Value) { v.Uint(uint64(len(c.buckets))) }),
	}
}

// write writes the counts as rows of a document, and the summary.
func (c *socketCounter) write(d *render.Document) {
	rows := render.NewRows(d, countColumns(c.keys))
	for _, b := range c.sorted() {
		rows.Write(b) // a write error is kept by the document
	}
	render.Summary(d, countSummaryColumns(), c)
}
