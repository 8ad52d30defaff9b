// The script of a report. It draws what the page's data say and adds no judgement: words, marks and values were made
// when the page was written. Without it the ladder, the plots and the tables stand as they are.
const $ = id => document.getElementById(id);
const data = JSON.parse($('data').textContent);
const N = 0, T = 1, KIND = 2, HOST = 3, CONN = 4, SEG = 5, LOOK = 6, RANK = 7, MARK = 8, HEAD = 9, BODY = 10, MORE = 11;
const rows = unfoldRows(), rowHeight = data.rowHeight, perChunk = data.chunk;
const live = $('live'), root = document.documentElement;
const client = 1, server = 2, side = ['n', 'c', 's'], names = ['', 'client', 'server'];
const FOLDED = data.looks.indexOf('folded'), STATE = data.looks.indexOf('state'), AGAIN = data.looks.indexOf('again'), BAD = data.looks.indexOf('bad');
if (!rows.length) return;

// unfoldRows gives the rows, of which the page has what differs.
function unfoldRows() {
	let n = 0, t = 0, seg = 0;
	return data.rows.map(([dn, dt, dseg, sort, body = '', more = '']) => {
		const [kind, host, conn, look, rank, mark, head] = data.sorts[sort];
		return [n += dn, t += dt, kind, host, conn, seg += dseg, look, rank, mark, head, body, more];
	});
}

// make gives an element with attributes and text.
const SVG = $('overview').namespaceURI;
function make(tag, attributes, text) {
	const e = document.createElement(tag);
	for (const k in attributes) e.setAttribute(k, attributes[k]);
	if (text !== undefined) e.textContent = text;
	return e;
}
function draw(tag, attributes, text) {
	const e = document.createElementNS(SVG, tag);
	for (const k in attributes) e.setAttribute(k, attributes[k]);
	if (text !== undefined) e.textContent = text;
	return e;
}
const seconds = ns => (Math.trunc(ns / 1e3) / 1e6).toFixed(6);
const clamp = (v, low, high) => Math.min(Math.max(v, low), high);

// before gives the last index below list.length whose key is at most v, -1 for none; the keys rise.
function before(list, v, key) {
	let low = 0, high = list.length;
	while (low < high) {
		const mid = (low + high) >> 1;
		if (key(list[mid]) <= v) low = mid + 1; else high = mid;
	}
	return low - 1;
}

// Segments: from the row where each leaves to the row where it ends.
const arrows = [], bySeg = new Map();
{
	const open = new Map();
	rows.forEach((r, i) => {
		if (r[KIND] === 'tx') {
			open.set(r[SEG], arrows.length);
			bySeg.set(r[SEG], arrows.length);
			arrows.push({from: i, to: -1, host: r[HOST], look: r[LOOK], end: 'unknown'});
		} else if (r[KIND] === 'rx' || r[KIND] === 'lost') {
			const at = open.get(r[SEG]);
			if (at !== undefined) {
				open.delete(r[SEG]);
				arrows[at].to = i;
				arrows[at].end = r[KIND] === 'lost' ? 'lost' : '';
				if (r[KIND] === 'lost') arrows[at].look = BAD;
			} else if (r[KIND] === 'rx') {
				arrows.push({from: i, to: i, host: 3 - r[HOST], look: AGAIN, end: ''});
			}
		}
	});
	for (const a of arrows) if (a.to < 0) { a.to = Math.min(a.from + 2, rows.length - 1); a.seg = rows[a.from][SEG]; }
}

// What is shown: the rows of a piece of time, plain ones together where there are too many.
let span = [rows[0][T], Math.max(data.end, rows[rows.length - 1][T])];
const whole = span.slice();
let low = 0, high = rows.length;       // the rows of the span
let shown = [];                        // [first row, how many]
const place = new Int32Array(rows.length); // where each row is in shown
let chunks = [];                       // by chunk: the arrows that cross it
let cursor = 0;                        // a row
let hover = 0, peek = -1;              // the segment under the pointer, and its row
const looked = () => peek < 0 ? cursor : peek; // the row of which the tables tell

// fold tells runs of rows up to a rank together.
function fold(rank) {
	const block = Math.max(8, Math.floor((high - low) * 4 / data.most) + 1);
	shown = [];
	for (let i = low; i < high;) {
		let n = 0;
		while (n < block && i + n < high && rows[i + n][RANK] > 0 && rows[i + n][RANK] <= rank) n++;
		if (n < 4) n = 1;
		for (let k = 0; k < n; k++) place[i + k] = shown.length;
		shown.push([i, n]);
		i += n;
	}
}
function lay() {
	low = before(rows, span[0] - 1, r => r[T]) + 1;
	high = before(rows, span[1], r => r[T]) + 1;
	if (high <= low) high = Math.min(low + 1, rows.length), low = high - 1;
	for (let rank = 0; rank <= 3; rank++) {
		fold(rank);
		if (data.unfold || shown.length <= data.most) break;
	}
	chunks = Array.from({length: Math.ceil(shown.length / perChunk)}, () => []);
	const seen = new Set();
	for (const a of arrows) {
		if (a.to < low || a.from >= high) continue;
		const from = a.from < low ? -1 : place[a.from], to = a.to >= high ? shown.length : place[a.to];
		if (from >= 0 && to < shown.length && shown[from][1] > 1 && shown[to][1] > 1) {
			const k = (from * shown.length + to) * 4 + a.host;
			if (from === to || seen.has(k)) continue;
			seen.add(k);
		}
		for (let c = Math.max(from, 0) / perChunk | 0; c <= (Math.min(to, shown.length - 1) / perChunk | 0); c++) chunks[c].push([a, from, to]);
	}
	for (const e of drawn.values()) e.remove();
	drawn.clear();
	spacer.style.height = shown.length * rowHeight + 'px';
	$('in').disabled = high - low < 2;
	overview();
	plotLater();
}

// rowElement is the same as what stands in the page without a script.
function rowElement(s) {
	const [i, n] = shown[s], r = rows[i];
	const li = make('li', {role: 'option', id: 'r' + s, 'data-row': i, 'data-n': r[N], 'aria-setsize': shown.length, 'aria-posinset': s + 1, 'aria-selected': 'false'});
	if (n > 1) {
		li.className = 'row n folded';
		li.append(make('time', {}, seconds(r[T])), say([['body', together(i, n)]]));
		li.title = 'show these rows';
		return li;
	}
	li.className = 'row ' + side[r[HOST]] + ' ' + data.looks[r[LOOK]];
	if (r[SEG]) li.dataset.seg = r[SEG];
	const parts = [];
	if (r[CONN] > 1) parts.push(['conn', '#' + r[CONN]]);
	if (r[MARK]) parts.push(['mark', r[MARK]]);
	if (r[HEAD]) parts.push(['head', r[HEAD]]);
	if (r[BODY]) parts.push(['body', r[BODY]]);
	if (r[MORE]) parts.push(['more', r[MORE]]);
	const text = say(parts);
	text.prepend(make('span', {class: 'sr'}, says(r) + ' '));
	text.title = parts.map(p => p[1]).join(' ');
	li.append(make('time', {}, data.looks[r[LOOK]] === 'pause' ? '' : seconds(r[T])), text);
	return li;
}
function together(i, n) {
	const sent = [0, 0, 0];
	let lost = 0, again = 0;
	for (const r of rows.slice(i, i + n)) {
		if (r[KIND] === 'lost') lost++;
		if (r[KIND] === 'tx') { sent[r[HOST]]++; if (r[LOOK] === AGAIN) again++; }
	}
	return n + ' rows: ' + sent[client] + (sent[client] === 1 ? ' segment' : ' segments') + ' from the client, ' + sent[server] + ' from the server' +
		(lost ? ', ' + lost + ' lost' : '') + (again ? ', ' + again + ' retransmitted' : '');
}
function say(parts) {
	const e = make('span', {class: 'say'});
	for (const [name, text] of parts) {
		if (e.firstChild) e.append(' ');
		e.append(make('span', {class: name}, text));
	}
	return e;
}
const verbs = {tx: 'sends', rx: 'receives', state: 'is now', app: 'application:'};
const says = r => (names[r[HOST]] + ' ' + (verbs[r[KIND]] || '')).trim();

function chunkElement(c) {
	const first = c * perChunk, count = Math.min(perChunk, shown.length - first), height = count * rowHeight;
	const svg = draw('svg', {class: 'lane', height, 'aria-hidden': 'true'});
	for (const x of ['0', '100%']) svg.append(draw('line', {class: 'rail', x1: x, x2: x, y1: 0, y2: height}));
	for (const [a, from, to] of chunks[c]) {
		const y1 = (from - first + .5) * rowHeight, y2 = (to - first + .5) * rowHeight, seg = rows[a.from][SEG], [stub, depth] = data.stub;
		const way = a.end === 'lost' ? 50 : a.end === 'unknown' ? 30 : 100, x = v => (a.host === server ? 100 - v : v) + '%';
		const piece = (cls, xa, ya, xb, yb) => svg.append(draw('line', {class: cls, 'data-seg': seg, 'data-row': a.from, 'data-n': rows[a.from][N], x1: x(xa), y1: ya, x2: x(xb), y2: yb}));
		const cls = 'seg ' + side[a.host] + ' ' + data.looks[a.look] + ' ' + a.end;
		if (a.end !== '' || to - from < data.longWay) {
			piece('hit', 0, y1, way, y2);
			piece(cls, 0, y1, way, y2);
		} else {
			piece('hit', 0, y1, stub, y1 + depth);
			piece('hit', way - stub, y2 - depth, way, y2);
			piece(cls + ' start', 0, y1, stub, y1 + depth);
			piece(cls + ' way', stub, y1 + depth, way - stub, y2 - depth);
			piece(cls, way - stub, y2 - depth, way, y2);
		}
	}
	const ol = make('ol', {role: 'presentation'});
	for (let s = first; s < first + count; s++) ol.append(rowElement(s));
	const e = make('div', {class: 'chunk', role: 'presentation'});
	e.style.top = first * rowHeight + 'px';
	e.append(svg, ol);
	return e;
}

// Only the chunks in sight are in the document.
const drawn = new Map(), spacer = make('div', {role: 'presentation'});
let pending = false;
function render() {
	pending = false;
	const from = Math.max(0, Math.floor(live.scrollTop / rowHeight / perChunk - .5));
	const to = Math.min(chunks.length - 1, Math.floor((live.scrollTop + live.clientHeight) / rowHeight / perChunk + .5));
	for (const [c, e] of drawn) if (c < from || c > to) { e.remove(); drawn.delete(c); }
	for (let c = from; c <= to; c++) {
		if (!drawn.has(c)) {
			const e = chunkElement(c);
			drawn.set(c, e);
			spacer.append(e);
			light(e);
		}
	}
}
function later() {
	if (!pending) { pending = true; requestAnimationFrame(render); }
}

// light marks the cursor's row and the segments under the cursor and the pointer.
function light(within) {
	for (const e of within.querySelectorAll('.on, .here')) {
		e.classList.remove('on', 'here');
		if (e.getAttribute('role') === 'option') e.setAttribute('aria-selected', 'false');
	}
	const here = within.querySelector('#r' + place[cursor]);
	if (here && cursor >= low && cursor < high) {
		here.classList.add('here');
		here.setAttribute('aria-selected', 'true');
	}
	for (const seg of new Set([rows[cursor][SEG], hover])) {
		if (seg) for (const e of within.querySelectorAll('[data-seg="' + seg + '"]')) if (!e.classList.contains('hit')) e.classList.add('on');
	}
}

// series are the values that change: by their key a list of [row, value].
function series(list, key, value) {
	const all = new Map();
	for (const c of list) {
		const k = key(c);
		let s = all.get(k);
		if (!s) all.set(k, s = []);
		s.push([c[0], value(c)]);
	}
	return all;
}
function at(all, key, row) {
	const s = all.get(key);
	if (!s) return null;
	const i = before(s, row, x => x[0]);
	return i < 0 ? null : s[i];
}
const vars = new Map(data.vars.map(([conn, host, which, list]) => {
	const s = [];
	for (let i = 0, row = 0; i < list.length; i += 2) s.push([row += list[i], String(list[i + 1])]);
	return [conn + ' ' + host + ' ' + which, s];
}));
const knows = series(data.knows, c => c[1] + ' ' + c[2] + ' ' + c[3], c => [c[4], c[5]]);
const states = series(rows.map((r, i) => [i, r]).filter(c => c[1][LOOK] === STATE), c => c[1][CONN] + ' ' + c[1][HOST], c => c[1][HEAD]);
const verdicts = ['', 'unaware', 'assumes', 'wrong', 'knows'];

function put(cell, found) {
	const text = found ? found[1] : '';
	if (cell.textContent !== text) cell.textContent = text;
	cell.classList.toggle('new', !!found && found[0] === looked() && found[0] > 0);
}
const varRows = [...$('vars').querySelectorAll('tr[data-var]')].map(tr => [tr.dataset.var, tr.cells[1], tr.cells[2]]);

function conn() {
	for (let i = looked(); i >= 0; i--) if (rows[i][CONN]) return rows[i][CONN];
	return 1;
}
function panel() {
	const c = conn();
	for (const host of [client, server]) put($('state').cells[host], at(states, c + ' ' + host, looked()));
	for (const [v, one, two] of varRows) {
		put(one, at(vars, c + ' 1 ' + v, looked()));
		put(two, at(vars, c + ' 2 ' + v, looked()));
	}
	const ends = $('knows').querySelectorAll('ul');
	for (const host of [client, server]) {
		const list = [];
		for (let m = 0; m < 7; m++) {
			const k = at(knows, c + ' ' + host + ' ' + m, looked());
			if (!k || !k[1][0]) continue;
			const li = make('li', {class: 'v' + k[1][0] + (k[0] === looked() && k[0] > 0 ? ' new' : '')});
			li.append(make('b', {}, verdicts[k[1][0]]), ' ' + k[1][1]);
			list.push(li);
		}
		if (!list.length) list.push(make('li', {class: 'v0'}, 'nothing of the other yet'));
		ends[host - 1].replaceChildren(...list);
	}
	space();
	now();
}

// The sequence space of what each end sends: above as its sender sees it, below as the receiver does.
const UNA = 0, NXT = 1, EDGE = 2, CWND = 3, QUEUED = 4, RCVNXT = 5, RCVEDGE = 6, UNREAD = 7;
const spaces = unfoldSpaces();
// unfoldSpaces gives the sequence spaces by connection and sender, of which the page has what changes.
function unfoldSpaces() {
	const all = new Map();
	for (const [end, later, parts, ...rest] of data.space) {
		const key = (end >> 1) + ' ' + ((end & 1) + 1), s = all.get(key) || [];
		const [row, o] = s[s.length - 1] || [0, {limit: '', n: Array(8).fill(null), sacked: [], held: [], guess: 0}], n = o.n.slice();
		const has = bit => parts >> bit & 1, blocks = v => rest.shift().map(d => v += d);
		for (let i = 0; i < 8; i++) if (has(i)) { const d = rest.shift(); n[i] = d === null ? null : n[i] + d; }
		all.set(key, s);
		s.push([row + later, {n, limit: has(8) ? data.limits[rest.shift()] : o.limit, sacked: has(9) ? blocks(n[UNA] ?? 0) : o.sacked,
			held: has(10) ? blocks(n[RCVNXT] ?? 0) : o.held, guess: has(11) ? rest.shift() : o.guess}]);
	}
	return all;
}
const group = n => String(n).replace(/\B(?=(\d{3})+$)/g, '\u202f');

function space() {
	const c = conn(), box = $('space'), parts = [];
	for (const host of [client, server]) {
		const found = at(spaces, c + ' ' + host, looked());
		if (found) parts.push(strip(host, found[1]));
	}
	if (!parts.length) parts.push(make('p', {class: 'faint'}, 'no connection yet'));
	box.replaceChildren(...parts);
}
function strip(host, s) {
	const n = s.n, e = make('div', {class: 'strip ' + side[host]}), W = 600;
	const una = n[UNA] ?? n[RCVNXT] ?? 0, nxt = n[NXT] ?? una, rcv = n[RCVNXT];
	const near = Math.max(nxt - una, n[CWND] === null ? 0 : Math.min(n[CWND] - una, 4 * Math.max(nxt - una, 8000)), n[QUEUED] === null ? 0 : Math.min(n[QUEUED] - una, 2 * Math.max(nxt - una, 8000)), 1);
	let far = una + near * 1.15;
	for (const k of [EDGE, RCVEDGE]) if (n[k] !== null && n[k] - una < near * 3) far = Math.max(far, n[k] + near * .08);
	for (const list of [s.sacked, s.held]) for (const v of list) far = Math.max(far, v + near * .08);
	const from = Math.min(una, rcv ?? una) - (far - una) * .12, x = v => clamp((v - from) / (far - from), 0, 1) * W;
	const svg = draw('svg', {viewBox: '0 0 600 92', role: 'img', 'aria-label': names[host] + "'s sequence space"});
	const guessed = y => s.guess & (y < 50 ? 1 : 2) ? ' guessed' : '', sign = s.guess & 1 ? '~' : '';
	const rect = (cls, a, b, y, h) => { if (b > a && x(b) - x(a) > 0) svg.append(draw('rect', {class: cls + guessed(y), x: x(a).toFixed(1), width: Math.max(x(b) - x(a), 1.5).toFixed(1), y, height: h})); };
	const edge = (v, cls, y1, y2, text, below) => {
		const out = v > far, at = x(v);
		svg.append(draw('line', {class: cls, x1: at, x2: at, y1, y2}));
		svg.append(draw('text', {x: clamp(at, 4, W - 4), y: below ? y2 + 11 : y1 - 3, 'text-anchor': at > W * .75 ? 'end' : at < W * .08 ? 'start' : 'middle'}, text + (out ? ' \u2192' : '')));
	};
	const may = Math.min(n[EDGE] ?? Infinity, n[CWND] ?? Infinity);
	rect('acked', from, una, 20, 20);
	if (may < Infinity) rect('may', nxt, may, 20, 20);
	rect('sent', una, nxt, 20, 20);
	for (let i = 0; i < s.sacked.length; i += 2) rect('sacked', s.sacked[i], s.sacked[i + 1], 20, 20);
	if (n[QUEUED] !== null && n[QUEUED] > nxt) rect('waits', nxt, n[QUEUED], 15, 3);
	if (n[CWND] !== null && n[CWND] <= far) edge(n[CWND], 'cwnd', 16, 44, 'cwnd');
	if (n[EDGE] !== null) edge(n[EDGE], 'window', 12, 42, 'window');
	if (rcv !== null) {
		rect('acked', from, rcv, 56, 14);
		if (n[RCVEDGE] !== null) rect('may', rcv, n[RCVEDGE], 56, 14);
		for (let i = 0; i < s.held.length; i += 2) rect('held', s.held[i], s.held[i + 1], 56, 14);
		edge(rcv, 'window', 54, 74, 'RCV.NXT ' + group(rcv), true);
	}
	const facts = [];
	if (n[UNA] !== null && n[NXT] !== null) facts.push(['sent', sign + group(nxt - una) + ' under way']);
	if (may < Infinity) facts.push(['may', may > nxt ? sign + group(may - nxt) + ' may be sent' : 'nothing may be sent']);
	if (n[QUEUED] !== null && n[QUEUED] > nxt) facts.push(['waits', group(n[QUEUED] - nxt) + ' wait']);
	if (s.sacked.length) facts.push(['sacked', 'reported by SACK']);
	if (s.held.length) facts.push(['held', 'held behind a hole']);
	if (n[UNREAD]) facts.push(['acked', group(n[UNREAD]) + ' unread']);
	const p = make('p', {class: 'facts'});
	for (const [k, text] of facts) { const f = make('span'); f.append(make('i', {class: k}), text); p.append(f); }
	const head = make('h3', {}, names[host] + ' sends');
	if (s.limit !== 'none' && s.limit !== '~none') head.append(make('span', {class: 'limit'}, 'limit: ' + s.limit));
	e.append(head, svg, p);
	return e;
}

// now says in words what is under the cursor, and what came of it.
function now() {
	const r = rows[looked()], p = $('now'), parts = [says(r), r[MARK], r[HEAD], r[BODY], r[MORE]].filter(x => x);
	p.replaceChildren(make('b', {}, 'event ' + r[N] + ', ' + seconds(r[T]) + ' s: '), make('span', {class: data.looks[r[LOOK]]}, parts.join(' ')));
	const a = arrows[bySeg.get(r[SEG])];
	if (!a || !r[SEG]) return;
	const other = looked() === a.from ? a.to : a.from, o = rows[other];
	let text = '';
	if (a.end === 'unknown') text = 'nothing was heard of it';
	else if (r[KIND] === 'tx') text = a.end === 'lost' ? 'the link takes it: ' + (o[BODY] || 'lost') : 'arrives ' + seconds(o[T] - r[T]) + ' s later, event ' + o[N];
	else if (r[KIND] === 'rx' || r[KIND] === 'lost') text = 'left ' + seconds(r[T] - o[T]) + ' s before, event ' + o[N] + (o[MARK] ? ': ' + o[MARK] : '');
	if (text) p.append(make('br'), text);
}

// select moves the cursor.
function select(row, scroll) {
	cursor = clamp(row, 0, rows.length - 1);
	peek = -1;
	if (cursor < low || cursor >= high) {
		const half = (span[1] - span[0]) / 2, t = rows[cursor][T];
		span = [t - half, t + half];
		lay();
	}
	if (scroll !== false) {
		const y = place[cursor] * rowHeight, room = live.clientHeight;
		if (y < live.scrollTop + rowHeight * 2) live.scrollTop = y - room / 3;
		else if (y > live.scrollTop + room - rowHeight * 3) live.scrollTop = y - room * 2 / 3;
	}
	render();
	for (const e of drawn.values()) light(e);
	live.setAttribute('aria-activedescendant', 'r' + place[cursor]);
	const t = rows[cursor][T];
	$('slider').value = whole[1] > whole[0] ? Math.round((t - whole[0]) / (whole[1] - whole[0]) * 10000) : 0;
	$('slider').setAttribute('aria-valuetext', seconds(t) + ' seconds, row ' + (cursor + 1) + ' of ' + rows.length);
	$('where').textContent = seconds(t) + ' s  ' + (cursor + 1) + ' of ' + rows.length;
	tell();
	lightPlots();
}
// tell fills the tables for the row that is looked at.
function tell() {
	const held = $('side').style;
	if (peek < 0) held.height = held.overflow = '';
	else if (!held.height) { held.height = $('side').offsetHeight + 'px'; held.overflow = 'hidden'; } // what is under the pointer must stay there
	$('h-now').textContent = peek < 0 ? 'At the cursor' : 'Under the pointer';
	panel();
	follow();
}
// show shows a piece of the time, in the ladder and in the plots; the cursor comes along.
function show(from, to) {
	const size = clamp(to - from, 1, whole[1] - whole[0] || 1);
	from = clamp(from, whole[0], whole[1] - size);
	span = [from, from + size];
	lay();
	select(clamp(cursor, low, high - 1));
}
function zoom(factor, t = rows[cursor][T]) {
	const size = (span[1] - span[0]) * factor, share = span[1] > span[0] ? (t - span[0]) / (span[1] - span[0]) : 0;
	show(t - size * share, t + size * (1 - share));
}
function unfold(s) {
	const [i, n] = shown[s];
	const first = rows[i][T], last = rows[i + n - 1][T], margin = Math.max((last - first) * .1, 1);
	span = [first - margin, last + margin];
	cursor = i;
	lay();
	if (shown.some(x => x[1] > 1 && x[0] <= i && i < x[0] + x[1])) { // still too many in so short a time
		span = [first, last];
		lay();
	}
	select(i);
}

const trouble = r => (r[KIND] === 'lost') || (r[KIND] === 'tx' && (r[LOOK] === AGAIN || r[LOOK] === BAD));
function nextTrouble(step) {
	for (let i = cursor + step; i >= 0 && i < rows.length; i += step) if (trouble(rows[i])) return select(i);
}
function otherEnd() {
	const a = arrows[bySeg.get(rows[cursor][SEG])];
	if (a) select(cursor === a.from ? a.to : a.from);
}
function step(by) {
	const s = clamp(place[cursor] + by, 0, shown.length - 1);
	if (by < 0 && place[cursor] === 0 && low > 0) return select(low - 1);
	if (by > 0 && place[cursor] === shown.length - 1 && high < rows.length) return select(high);
	select(shown[s][0]);
}
function theme() {
	const dark = root.classList.contains('dark') || (!root.classList.contains('light') && matchMedia('(prefers-color-scheme: dark)').matches);
	root.classList.toggle('dark', !dark);
	root.classList.toggle('light', dark);
}
function all() { span = whole.slice(); lay(); select(cursor); }

// The overview: all of the run, to scale; the client's segments above, the server's below.
function overview() {
	const svg = $('overview'), width = 1000, length = whole[1] - whole[0] || 1, x = t => (t - whole[0]) / length * width;
	svg.setAttribute('viewBox', '0 0 1000 40');
	if (!svg.firstChild) {
		svg.append(draw('rect', {class: 'window', y: 0, height: 40}));
		const bins = new Map();
		for (const r of rows) {
			if (r[KIND] !== 'tx' && r[KIND] !== 'lost') continue;
			const look = r[KIND] === 'lost' || r[LOOK] === BAD ? 'bad' : r[LOOK] === AGAIN ? 'again' : side[r[HOST]];
			const key = (x(r[T]) >> 1) + ' ' + r[HOST] + ' ' + look;
			bins.set(key, (bins.get(key) || 0) + 1);
		}
		const order = {c: 0, s: 0, again: 1, bad: 2};
		for (const [key, n] of [...bins].sort((a, b) => order[a[0].split(' ')[2]] - order[b[0].split(' ')[2]])) {
			const [at, host, look] = key.split(' '), height = look === 'bad' || look === 'again' ? 18 : Math.min(6 + n, 18);
			svg.append(draw('rect', {class: look, x: at * 2, width: 2, y: host === '1' ? 19 - height : 21, height}));
		}
	}
	const w = svg.firstChild, from = clamp(x(span[0]), 0, width), to = clamp(x(span[1]), 0, width);
	w.setAttribute('x', from);
	w.setAttribute('width', Math.max(to - from, 1));
	w.style.visibility = span[0] <= whole[0] && span[1] >= whole[1] ? 'hidden' : '';
}

