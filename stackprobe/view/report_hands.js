// What people do.
const keys = {
	ArrowDown: () => step(1), ArrowUp: () => step(-1), PageDown: () => step(10), PageUp: () => step(-10),
	Home: () => select(0), End: () => select(rows.length - 1), ArrowLeft: otherEnd, ArrowRight: otherEnd,
	Enter: () => { const s = place[cursor]; if (shown[s][1] > 1) unfold(s); else otherEnd(); },
};
const anywhere = {
	j: () => step(1), k: () => step(-1), n: () => nextTrouble(1), p: () => nextTrouble(-1), '+': () => zoom(.5), '=': () => zoom(.5), '-': () => zoom(2), 0: all,
	d: theme, '?': () => $('help').showModal(),
};
document.addEventListener('keydown', e => {
	if (e.ctrlKey || e.metaKey || e.altKey || $('help').open) return;
	const f = anywhere[e.key] || (document.activeElement === live && keys[e.key]);
	if (f) { e.preventDefault(); f(); }
});
live.addEventListener('scroll', later, {passive: true});
live.addEventListener('click', e => {
	const t = e.target.closest('[data-row]');
	if (!t) return;
	const i = +t.dataset.row;
	if (t.classList.contains('folded')) unfold(place[i]); else select(i, false);
});
// Pointing at a segment shows it everywhere: marked in the ladder and in the plots, and the tables tell of its moment until the pointer
// leaves it. The pointer must have moved: rows that scroll beneath it mean nothing.
let pointer = '';
document.addEventListener('pointerover', e => {
	const t = e.pointerType !== 'touch' && e.target.closest && e.target.closest('[data-seg]'), seg = t ? +t.dataset.seg : 0, at = e.screenX + ' ' + e.screenY, moved = at !== pointer;
	pointer = at;
	const row = !t ? -1 : t.dataset.row ? +t.dataset.row : rowOf(+t.dataset.n, seg);
	if (moved && row !== peek) { peek = row; tell(); }
	if (t && !t.dataset.row && !t.querySelector('title')) t.prepend(draw('title', {}, tip(t, row)));
	if (seg === hover) return;
	hover = seg;
	for (const c of drawn.values()) light(c);
	lightPlots();
});
// rowOf finds the row of an event of a segment, -1 if the page does not have it.
function rowOf(n, seg) {
	for (let i = before(rows, n, r => r[N] || Infinity); i >= 0 && rows[i][N] === n; i--) if (rows[i][SEG] === seg) return i;
	return -1;
}
function tip(mark, row) {
	const r = rows[row];
	if (mark.dataset.count) return mark.dataset.count + ' marks, the first of segment ' + mark.dataset.seg;
	return 'segment ' + mark.dataset.seg + (r ? ', ' + seconds(r[T]) + ' s: ' + [says(r), r[MARK], r[HEAD], r[BODY], r[MORE]].filter(x => x).join(' ') : '');
}
document.addEventListener('click', e => {
	const go = e.target.closest('[data-go]');
	if (!go) return;
	e.preventDefault();
	goTo(+go.dataset.go);
	live.focus();
	live.scrollIntoView({block: 'nearest'});
});
function goTo(n) {
	let i = rows.findIndex(r => r[N] >= n && r[KIND] !== 'state');
	select(i < 0 ? rows.length - 1 : i);
}
const press = {first: keys.Home, last: keys.End, back: () => step(-1), on: () => step(1), prevmark: anywhere.p, nextmark: anywhere.n, in: () => zoom(.5), out: () => zoom(2), all, theme, helpkey: anywhere['?']};
for (const id in press) $(id).addEventListener('click', press[id]);
document.querySelector('.plots').addEventListener('click', e => {
	const t = e.target.closest('[data-n]');
	if (t && !dragged) goTo(+t.dataset.n);
});

// Time under the hands: drag across a plot, turn the wheel with Ctrl (browsers tell of a pinch on a pad so) or Shift, two fingers.
let dragged = false;
const fingers = new Map();
const timeAt = (svg, x) => {
	const p = (pictures.find(q => q.svg === svg) || pictures[0]).panels[0], box = svg.getBoundingClientRect();
	return p ? moment(p.knots, (x - box.left) / box.width * svg.viewBox.baseVal.width) : span[0];
};
function wheel(e, t, always) {
	const length = span[1] - span[0], way = (e.deltaY || e.deltaX) * (e.deltaMode ? 30 : 1);
	if (e.shiftKey) { e.preventDefault(); show(span[0] + length * clamp(way, -200, 200) / 800, span[1] + length * clamp(way, -200, 200) / 800); }
	else if (e.ctrlKey || e.metaKey || always) { e.preventDefault(); zoom(2 ** (clamp(way, -200, 200) / 200), t); }
}
$('slider').addEventListener('wheel', e => wheel(e, undefined, true), {passive: false});
for (const {svg, panels} of pictures) {
	if (!panels.length) continue;
	const band = svg.appendChild(draw('rect', {class: 'taken', y: 0, height: '100%', width: 0}));
	const scale = () => svg.viewBox.baseVal.width / svg.getBoundingClientRect().width;
	svg.addEventListener('wheel', e => wheel(e, timeAt(svg, e.clientX)), {passive: false});
	svg.addEventListener('pointerdown', e => {
		if (e.button) return;
		dragged = false;
		fingers.set(e.pointerId, {from: e.clientX, x: e.clientX, touch: e.pointerType === 'touch'});
	});
	svg.addEventListener('pointermove', e => {
		const f = fingers.get(e.pointerId);
		if (!f) return;
		const [a, b] = [...fingers.values()], apart = b && Math.abs(a.x - b.x);
		f.x = e.clientX;
		if (b) {
			dragged = true;
			if (apart > 20 && Math.abs(a.x - b.x) > 20) zoom(apart / Math.abs(a.x - b.x), timeAt(svg, (a.x + b.x) / 2));
		} else if (!f.touch && (dragged || Math.abs(f.x - f.from) > 5)) {
			if (!dragged) { dragged = true; svg.setPointerCapture(e.pointerId); }
			const box = svg.getBoundingClientRect();
			band.setAttribute('x', (Math.min(f.x, f.from) - box.left) * scale());
			band.setAttribute('width', Math.abs(f.x - f.from) * scale());
		}
	});
	const done = e => {
		const f = fingers.get(e.pointerId), one = fingers.size === 1;
		fingers.delete(e.pointerId);
		band.setAttribute('width', 0);
		if (!f || f.touch || !one || !dragged || e.type !== 'pointerup') return;
		const [from, to] = [f.from, f.x].sort((a, b) => a - b).map(x => timeAt(svg, x));
		if (to > from) show(from, to);
	};
	svg.addEventListener('pointerup', done);
	svg.addEventListener('pointercancel', done);
}
$('slider').addEventListener('input', e => {
	const t = whole[0] + e.target.value / 10000 * (whole[1] - whole[0]);
	select(Math.max(before(rows, t, r => r[T]), 0));
});
addEventListener('resize', () => { later(); plotLater(); });
addEventListener('hashchange', hash);
function hash() {
	const m = /^#n(\d+)$/.exec(location.hash);
	if (m) goTo(+m[1]);
	return !!m;
}

root.classList.add('js');
for (const id of ['bar', 'live', 'how']) $(id).hidden = false;
live.append(spacer);
lay();
if (!hash()) select(rows.findIndex(r => r[KIND] === 'tx'), false); // where the tables have something to tell
live.focus({preventScroll: true});
