
// Plots: of the two pictures one is seen. All of the time stands there as it was written; of a piece of it the script draws what
// is in it, in the same marks, and takes neighbours together only where there are more than fit.
const pictures = [...document.querySelectorAll('.plots > div > svg')].map(svg => ({svg, drawn: '', panels: [...svg.querySelectorAll('.panel')].map(panelOf)}));
function panelOf(g) {
	const d = g.dataset, knots = d.time.split(/[ ,]+/).map(Number), y = +d.y0, h = d.y1 - y, [lo, hi, log] = d.range.split(' ');
	const line = draw('line', {class: 'cursorline', y1: y, y2: y + h}), parts = ['[clip-path]', '.times', '.figures', '.inner'].map(s => g.querySelector(s) || g.appendChild(draw('text', {class: 'sub end', x: knots[knots.length - 1], y: y - 7})));
	g.append(line);
	return {kind: g.classList[1], conn: +d.conn, host: names.indexOf(d.host), whole: knots, knots, x: knots[1], w: knots[knots.length - 1] - knots[1], y, h, line,
		lo: +lo, hi: +hi, log: !!log, over: +d.window, parts, home: parts.map(e => [...e.childNodes])};
}
let strands = null; // by connection and sender, read when they are first needed
function strandOf(p) {
	if (!strands) {
		strands = new Map();
		for (const [conn, host, seen, marks, values] of JSON.parse($('plotdata').textContent)) {
			for (const list of [marks, values]) for (const k in list) list[k] = unpack(list[k]);
			strands.set(conn + ' ' + host, {seen, marks, values});
		}
	}
	return strands.get(p.conn + ' ' + p.host);
}
function unpack([t, lo, tall, n, seg, label, push, run]) {
	const sum = list => { let v = 0; return list.map(d => v += d); };
	return {t: sum(t), lo: sum(lo), tall, n: sum(n), seg: sum(seg), label, push, run};
}
function markAt(l, i) {
	const [count, length, end] = l.run[i] || [1, 0, l.tall[i] || 0], t = l.t[i], lo = l.lo[i] || 0;
	return {t, last: t + length, lo, hi: lo + (l.tall[i] || 0), end: lo + end, n: l.n[i], seg: l.seg[i], count, label: l.label[i] || '', push: !!l.push[i]};
}
// pick gives the marks of a piece of time; if they are more than most, half of that many runs, and others where it is quiet between; lead takes in the one before, whose value still holds.
function pick(l, from, to, most, lead) {
	const list = [], [a, b] = inside(l, from, to, lead), fold = b - a > most, size = Math.ceil(2 * (b - a) / most), gap = 2 * (to - from) / most;
	for (let i = a, n = 0; i < b; i++, n++) {
		const m = markAt(l, i), o = list[list.length - 1];
		if (!fold || !o || n >= size || m.t - o.last > gap) { list.push(m); n = 0; continue; }
		Object.assign(o, {last: m.last, lo: Math.min(o.lo, m.lo), hi: Math.max(o.hi, m.hi), end: m.end, count: o.count + m.count, label: ''});
	}
	return list;
}
function inside(l, from, to, lead) {
	const a = before(l.t, from - 1, t => t);
	return [lead ? Math.max(a, 0) : a + 1, before(l.t, to, t => t) + 1];
}

// across gives the place of a moment between knots, moment the other way round.
function across(knots, t) { return clamp(between(knots, t, 0, 1), knots[1], knots[knots.length - 1]); }
function moment(knots, x) { return clamp(between(knots, x, 1, 0), knots[0], knots[knots.length - 2]); }
function between(knots, v, key, value) {
	let i = 0;
	while (i + 4 < knots.length && knots[i + 2 + key] <= v) i += 2;
	return knots[i + value] + (knots[i + 2 + value] - knots[i + value]) * (v - knots[i + key]) / (knots[i + 2 + key] - knots[i + key] || 1);
}
// within gives the knots for a piece of the time of p: quiet times that are cut in the whole stay cut where they would take most.
function within(p, from, to) {
	let list = [], active = 0;
	for (let i = 0; i + 3 < p.whole.length; i += 2) {
		const a = i ? Math.max(p.whole[i], from) : from, b = i + 4 < p.whole.length ? Math.min(p.whole[i + 2], to) : to;
		if (b > a) list.push({a, b, cut: i % 4 === 2});
	}
	for (const s of list) if (!s.cut) active += s.b - s.a;
	for (const s of list) if (s.cut && s.b - s.a < active) { s.cut = false; active += s.b - s.a; }
	if (list.every(s => s.cut)) { list = [{a: from, b: to}]; active = to - from; }
	const cuts = list.filter(s => s.cut), knots = [];
	let x = p.x;
	for (const s of list) {
		knots.push(s.a, x);
		x += s.cut ? .04 * p.w : (s.b - s.a) / active * (1 - .04 * cuts.length) * p.w;
	}
	return {knots: [...knots, to, p.x + p.w], list, cuts, active};
}

const round = v => String(Math.round(v * 10) / 10);
function down(p, v) {
	const f = p.log ? x => Math.log10(x) : x => x;
	return p.y + p.h * (1 - clamp((f(p.log ? Math.max(v, p.lo) : v) - f(p.lo)) / (f(p.hi) - f(p.lo)), -1, 2));
}
// shape is what a mark of its kind looks like; those of tcptrace, as in the pictures as they were written.
function shape(kind, m, x, top, bottom) {
	const r = round, cross = (y, d) => `M${r(x - d)} ${r(y - d)}L${r(x + d)} ${r(y + d)}M${r(x - d)} ${r(y + d)}L${r(x + d)} ${r(y - d)}`;
	switch (kind) {
	case 'data': case 'again': case 'probe': case 'crafted': case 'syn': case 'fin': {
		const head = 2.5, bar = bottom - top > 3 * head
			? `M${r(x - head)} ${r(top + head)}L${r(x)} ${r(top)}L${r(x + head)} ${r(top + head)}M${r(x - head)} ${r(bottom - head)}L${r(x)} ${r(bottom)}L${r(x + head)} ${r(bottom - head)}M${r(x)} ${r(bottom)}V${r(top)}`
			: `M${r(x - 1.5)} ${r(top)}h3m-1.5 0V${r(Math.max(bottom, top + 1))}m-1.5 0h3`;
		return bar + (m.push || kind === 'syn' || kind === 'fin' ? `M${r(x)} ${r(top - 5)}l2.5 2.5l-2.5 2.5l-2.5 -2.5z` : '');
	}
	case 'arrival': case 'late': case 'hd': case 'sack': return `M${r(x)} ${r(bottom)}V${r(Math.min(top, bottom - 1))}`;
	case 'empty': return cross(top, 2);
	case 'lost': case 'broken': return cross((top + bottom) / 2, 5);
	case 'acklost': return cross(top, 2.5) + `M${r(x - 4.5)} ${r(top)}a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0 -9 0`;
	case 'same': case 'sameedge': return `M${r(x - 3)} ${r(top)}H${r(x)}v3`;
	}
	return cross(top, 3);
}
// letters writes the label of a mark where there is room.
function letters(p, g, kind, label, x, top, bottom, taken) {
	for (const text of new Set([label, label.split(/[ _]/)[0].replace('injected', 'I').replace(/^S\d+$/, 'S')])) {
		const w = text.length * 6.2, middle = (top + bottom) / 2 + 4, sides = [[x + 6, middle], [x - w - 6, middle]], ends = [[x - w / 2, top - 7], [x - w / 2, bottom + 13]];
		for (const [a, y] of kind === 'again' ? [...sides, ...ends] : [ends[0], ...sides, ends[1]]) {
			if (a < p.x || a + w > p.x + p.w || y - 9 < p.y || y + 2 > p.y + p.h || taken.some(o => a < o[1] + 2 && o[0] < a + w + 2 && Math.abs(y - o[2]) < 10)) continue;
			taken.push([a, a + w, y]);
			if (taken.length > 256) taken.shift();
			g.append(draw('text', {x: round(a), y: round(y)}, text));
			return;
		}
	}
}

// drawPanel draws the piece of time from one moment to another into p, with at most so many marks of each kind.
function drawPanel(p, from, to, most) {
	const d = strandOf(p), axis = within(p, from, to), [body, times, figures, inner] = p.parts, seen = across(axis.knots, d.seen);
	p.knots = axis.knots;
	const stairs = ['ack', 'edge'], content = document.createDocumentFragment();
	if (p.kind === 'sequence') {
		const kinds = Object.keys(d.marks).map(k => [k, pick(d.marks[k], from, to, most, stairs.includes(k))]), taken = [];
		const above = range(p, kinds), sacks = [];
		for (const [kind, list] of kinds) list.forEach((m, i) => {
			const g = draw('g', {class: kind + (m.count > 1 ? ' run' : ''), 'data-seg': m.seg, 'data-n': m.n}), x = across(p.knots, m.t), top = down(p, m.hi), bottom = down(p, m.lo);
			let path;
			if (m.count > 1) g.dataset.count = m.count;
			if (stairs.includes(kind)) path = stair(p, list, i, seen);
			else if (m.count > 1) path = `M${round(x)} ${round(bottom)}L${round(across(p.knots, m.last))} ${round(top)}`;
			else path = shape(kind, m, x, top, bottom);
			g.append(draw('path', {d: path}));
			if (m.label && !(kind === 'sack' && x - (sacks[m.label.slice(1)] ?? -99) < 24)) {
				if (kind === 'sack') sacks[m.label.slice(1)] = x;
				letters(p, g, kind, m.label, x, top, bottom, taken);
			}
			content.append(g);
		});
		figures.replaceChildren(...ticks(p.lo, p.hi, Math.max(steps(p.hi - p.lo, p.h / 34), 1)).filter(v => v >= 0).flatMap(v =>
			[rule(p.x, down(p, v), p.x + p.w, down(p, v)), draw('text', {class: 'tick end', x: p.x - 5, y: round(down(p, v) + 4)}, octets(v))]));
		inner.replaceChildren(above ? '\u2191 the window\u2019s right edge is above' : '');
	} else if (p.kind === 'goodput-panel') content.append(goodput(p, d));
	else for (const [old, name] of curves(p)) {
		const list = pick(d.values[name], from, to, most, name !== 'measured');
		if (name !== 'measured') { content.append(draw('path', {class: old.getAttribute('class'), d: curve(p, list, seen, name === 'flight')})); continue; }
		for (const m of list) {
			const x = round(across(p.knots, m.t));
			if (m.count === 1) { content.append(draw('circle', {class: name, cx: x, cy: round(down(p, m.hi)), r: 2.5, 'data-seg': m.seg, 'data-n': m.n})); continue; }
			const g = draw('g', {class: 'run ' + name, 'data-count': m.count});
			g.append(rule(x, down(p, m.lo), across(p.knots, m.last), down(p, m.hi), ''));
			content.append(g);
		}
	}
	body.replaceChildren(content);
	times.replaceChildren(...timeTicks(p, axis));
}
// curves are those that the picture of all of the time has, from back to front.
function curves(p) {
	const seen = new Map();
	for (const e of p.home[0]) {
		const name = e.classList && ['flight', 'pipe', 'ssthresh', 'cwnd', 'rto', 'srtt', 'measured'].find(c => e.classList.contains(c));
		if (name && !seen.has(name)) seen.set(name, e);
	}
	return [...seen].map(([name, e]) => [e, name]);
}
// range lets a sequence panel take in what is shown, and the right edge if that is near; it says whether that is above.
function range(p, kinds) {
	let lo = Infinity, hi = -Infinity;
	for (const [k, list] of kinds) if (!['edge', 'zero', 'sameedge', 'crafted', 'rst in'].includes(k)) for (const m of list) { lo = Math.min(lo, m.lo); hi = Math.max(hi, m.hi, m.end); }
	if (lo > hi) lo = hi = 0;
	const edges = (kinds.find(k => k[0] === 'edge') || [0, []])[1].map(m => m.hi), far = hi + Math.max(hi - lo, 1) * .8, top = Math.max(hi, lo + 1, ...edges.filter(v => v <= far));
	p.lo = lo - (top - lo) * .04;
	p.hi = top + (top - lo) * .08;
	return edges.some(v => v > far);
}
function stair(p, list, i, seen) {
	const m = list[i], x = round(across(p.knots, m.t)), y = v => round(down(p, v));
	let path = i ? `M${round(across(p.knots, list[i - 1].last))} ${y(list[i - 1].end)}H${x}V${y(m.hi)}` : `M${x} ${y(m.hi)}`;
	if (m.count > 1) path += `V${y(m.lo)}H${round(across(p.knots, m.last))}V${y(m.end)}`;
	return i === list.length - 1 ? path + 'H' + round(seen) : path;
}
function curve(p, list, seen, fill) {
	const y = v => round(down(p, v)), steps = list.map((m, i) => (i || fill ? 'V' : ' ') + (m.count > 1 && m.lo !== m.hi ? `${y(m.lo)}V${y(m.hi)}V` : '') + y(m.end));
	if (!list.length) return '';
	return list.map((m, i) => (i ? 'H' : 'M') + round(across(p.knots, m.t)) + (!i && fill ? ' ' + y(0) : '') + steps[i]).join('') + 'H' + round(seen) + (fill ? 'V' + y(0) : '');
}
function goodput(p, d) {
	const cls = p.home[0].find(e => e.classList && e.classList.contains('goodput')).getAttribute('class'), l = d.values[cls], at = t => { const i = before(l.t, t, x => x); return i < 0 ? 0 : markAt(l, i).end; };
	let path = `M${round(p.x)} ${round(down(p, 0))}`;
	for (let i = 0; i <= 400; i++) {
		const x = p.x + p.w * i / 400, t = moment(p.knots, x);
		path += `L${round(x)} ${round(down(p, (at(t) - at(t - p.over)) * 1e9 / p.over))}`;
	}
	return draw('path', {class: cls, d: path + `L${round(p.x + p.w)} ${round(down(p, 0))}`});
}

// Axes: about n steps of 1, 2 or 5 times a power of ten.
function steps(length, n) {
	const raw = length / Math.max(Math.floor(n), 1), size = 10 ** Math.floor(Math.log10(raw));
	return ([1, 2, 5].find(m => m * size >= raw * .999) || 10) * size;
}
function ticks(lo, hi, step) {
	const list = [];
	for (let i = Math.ceil(lo / step - 1e-9); i * step <= hi + step * 1e-9 && list.length < 256; i++) list.push(i * step);
	return list;
}
const octets = v => { const u = [[1e9, 'G'], [1e6, 'M'], [1e3, 'k']].find(([s]) => v >= 10 * s || v >= s && v % (s / 10) === 0); return u ? +(v / u[0]).toFixed(6) + u[1] : String(v); };
const rule = (x1, y1, x2, y2, cls) => draw('path', {class: cls ?? 'grid', d: `M${round(+x1)} ${round(y1)}L${round(+x2)} ${round(y2)}`});
function timeTicks(p, axis) {
	const list = [], [unit, name] = axis.active < 2e6 ? [1e3, 'us'] : axis.active < 2e9 ? [1e6, 'ms'] : [1e9, 's'], step = steps(axis.active / unit, p.w / 110);
	const decimals = clamp(-Math.floor(Math.log10(step) + 1e-9), 0, 6), bottom = p.y + p.h + 13, text = (x, cls, words, y) => list.push(draw('text', {class: 'tick ' + cls, x: round(x), y: round(y || bottom)}, words));
	let end = -1e9;
	for (const s of axis.list) {
		if (s.cut) continue;
		for (const v of ticks(s.a / unit, s.b / unit, step)) {
			const x = across(axis.knots, v * unit), words = v.toFixed(decimals), half = words.length * 3.2;
			list.push(rule(x, p.y, x, p.y + p.h));
			if (x - half > end + 6 && x + half < p.x + p.w - 24) { text(x, 'mid', words); end = x + half; }
		}
	}
	text(p.x + p.w, 'end', name);
	for (const s of axis.cuts) {
		const x = across(axis.knots, s.a), w = across(axis.knots, s.b) - x;
		list.push(draw('rect', {class: 'cut', x: round(x), y: p.y, width: round(w), height: p.h}));
		text(x + w / 2, 'mid', (s.b - s.a < 1e9 ? +((s.b - s.a) / 1e6).toPrecision(3) + ' ms' : +((s.b - s.a) / 1e9).toPrecision(3) + ' s'), p.y + p.h - 4);
	}
	return list;
}

// plot draws the picture that is seen, if it shows another time than the ladder.
function plot() {
	plotting = false;
	const all = span[0] <= whole[0] && span[1] >= whole[1], key = all ? '' : span.join(' '), room = Math.max(500 - (span[1] - span[0]) / 2, 0), from = span[0] - room, to = span[1] + room;
	const picture = pictures.find(x => x.svg.getClientRects().length);
	if (!picture || picture.drawn === key) return;
	picture.drawn = key;
	for (const e of picture.svg.querySelectorAll('text.sub')) if (e.textContent.includes(' folded into runs')) e.style.visibility = all ? '' : 'hidden'; // it is about all of the time
	if (all) {
		for (const p of picture.panels) {
			p.knots = p.whole;
			p.parts.forEach((e, i) => e.replaceChildren(...p.home[i]));
		}
	} else {
		const count = picture.panels.flatMap(p => Object.values(strandOf(p)[p.kind === 'sequence' ? 'marks' : 'values'])).map(l => { const [a, b] = inside(l, from, to, true); return b - a; });
		let most = data.most;
		while (most > 16 && count.reduce((sum, n) => sum + Math.min(n, most), 0) > data.most) most = Math.floor(most * .8);
		for (const p of picture.panels) drawPanel(p, from, to, most);
	}
	follow();
	lightPlots();
}
let plotting = false;
function plotLater() {
	if (!plotting) { plotting = true; requestAnimationFrame(plot); }
}
// follow puts the line of the moment at the cursor, or pointed at, into each panel.
function follow() {
	for (const {panels} of pictures) for (const p of panels) {
		const x = across(p.knots, rows[looked()][T]);
		p.line.setAttribute('x1', x);
		p.line.setAttribute('x2', x);
	}
}
function lightPlots() {
	for (const e of document.querySelectorAll('.plots .on')) e.classList.remove('on');
	for (const seg of new Set([rows[cursor][SEG], hover])) {
		if (seg) for (const e of document.querySelectorAll('.plots [data-seg="' + seg + '"]')) e.classList.add('on');
	}
}
