package view

import (
	"strings"

	"gnet/internal/chart"
)

// rules are the style sheet; each rule is bound to the picture by #.
var rules = [...]string{
	"# .bg{fill:var(--bg)}",
	"# text{font:11px system-ui,'DejaVu Sans',sans-serif;fill:var(--ink)}",
	"# .h1{font-size:16px;font-weight:600}",
	"# .h2{font-size:13px;font-weight:600}",
	"# .sub,# .tick{fill:var(--dim)}",
	"# .end{text-anchor:end}",
	"# .mid{text-anchor:middle}",
	"# .grid{stroke:var(--grid);fill:none}",
	"# .cut{fill:var(--grid);fill-opacity:.8}",
	"# .frame{stroke:var(--dim);fill:none}",
	"# path,# circle,# line{fill:none;stroke:var(--ink);stroke-width:1.2}",
	"# .grid path,# path.grid{stroke:var(--grid);stroke-width:1}",
	"# path.frame{stroke:var(--dim);stroke-width:1}",
	"# .arrival path{stroke:var(--dim);stroke-width:2.5;stroke-opacity:.5}",
	"# .late path,# .hd path{stroke:var(--blue)}",
	"# .late text,# .hd text{fill:var(--blue)}",
	"# .again path,# .lost path,# .broken path{stroke:var(--red);stroke-width:1.6}",
	"# .again text,# .lost text,# .broken text{fill:var(--red);font-weight:600}",
	"# .probe path,# .syn path,# .fin path,# .rst path,# .icmp path,# .crafted path{stroke:var(--orange);stroke-width:1.4}",
	"# .probe text,# .syn text,# .fin text,# .rst text,# .icmp text,# .crafted text{fill:var(--orange);font-weight:600}",
	"# .crafted path{stroke-dasharray:3 2}",
	"# .ack path,# .same path{stroke:var(--green)}",
	"# .same text{fill:var(--green);font-weight:600}",
	"# .acklost path{stroke:var(--green);stroke-width:1.6}",
	"# .edge path,# .sameedge path{stroke:var(--gold)}",
	"# .zero text{fill:var(--gold);font-weight:700;font-size:13px}",
	"# .sack path{stroke:var(--violet);stroke-width:2}",
	"# .sack text{fill:var(--violet)}",
	"# .run path{stroke-width:1;stroke-opacity:.55}",
	"# .run rect{stroke:none;fill-opacity:.45}",
	"# .ssthresh{stroke-dasharray:7 4;stroke:var(--red)}",
	"# .cwnd{stroke:var(--blue);stroke-width:2}",
	"# .flight{stroke:var(--dim);fill:var(--dim);fill-opacity:.18}",
	"# .pipe{stroke:var(--violet);stroke-width:1.6}",
	"# .computed{stroke-dasharray:2 2}",
	"# .rto{stroke:var(--red);stroke-dasharray:7 4}",
	"# .srtt{stroke:var(--blue);stroke-width:2}",
	"# circle.measured{stroke:var(--green);stroke-dasharray:2 1.4}",
	"# .goodput{stroke:var(--green);fill:var(--green);fill-opacity:.18;stroke-width:1.4}",
	"# g[data-seg]:hover path,# g[data-seg].on path{stroke-width:3}",
	"@media print{# .bg{fill:none}}",
}

// appendStyle writes the style sheet of the picture with that id; one that stands in a document takes the colours of that.
func appendStyle(b []byte, id string, inline bool) []byte {
	colours := func(dark bool) {
		b = append(b, '#')
		b = append(b, id...)
		b = append(b, '{')
		for _, c := range chart.Palette() {
			v := c.Light
			if dark {
				v = c.Dark
			}
			b = append(b, "--"+c.Name+":"+v+";"...)
		}
		b = append(b, '}')
	}
	b = append(b, "\n#"+id+"{max-width:100%;height:auto}\n"...)
	if !inline {
		colours(false)
		b = append(b, "\n@media(prefers-color-scheme:dark){"...)
		colours(true)
		b = append(b, "}\n"...)
	}
	for _, r := range rules {
		b = append(b, strings.ReplaceAll(r, "# ", "#"+id+" ")...)
		b = append(b, '\n')
	}
	return b
}
