'use strict';
// The timeline of goward trace. Everything that comes from the traced program is set as text, never
// as markup. Times are nanoseconds from the start of the trace.
(() => {
const $ = id => document.getElementById(id);
const STATES = ['running', 'runnable', 'waiting', 'syscall', 'unknown'];
const COLORS = ['#2e9e5b', '#e2a52b', '#b9c3d0', '#4a86e8', '#888888'];
const dark = matchMedia('(prefers-color-scheme:dark)').matches;
if (dark) COLORS[2] = '#3d4652';
const INK = dark ? '#e3e6ea' : '#1b1f24', DIM = dark ? '#8b949e' : '#68707a';
const ON = ['#ffffff', '#1b1f24', INK, '#ffffff', '#ffffff'];
const LINE = dark ? '#2d333b' : '#dfe3e8', GROUND = dark ? '#14171b' : '#ffffff', HOT = dark ? '#ff6b63' : '#c2201c';
const LABEL = 250, ROW = 18, AXIS = 22;
let data, lanes = [], rows = [], from = 0, to = 1, scroll = 0, selection = null, picked = null, current = -1;
let byId = new Map(), wanted = new Map(), path = [];

function unit(ns) {
  const a = Math.abs(ns);
  if (a < 1e3) return ns.toFixed(0) + ' ns';
  if (a < 1e6) return (ns / 1e3).toFixed(a < 1e4 ? 2 : 1) + ' µs';
  if (a < 1e9) return (ns / 1e6).toFixed(a < 1e7 ? 2 : 1) + ' ms';
  return (ns / 1e9).toFixed(3) + ' s';
}
// A time on the axis, with as many decimals as its neighbours need.
function tick(ns, step) {
  if (!ns) return '0';
  const [size, name] = [[1e9, 's'], [1e6, 'ms'], [1e3, 'µs'], [1, 'ns']].find(u => ns >= u[0]) || [1, 'ns'];
  return `+${(ns / size).toFixed(Math.max(0, Math.ceil(Math.log10(size / step) - 1e-9)))} ${name}`;
}
function element(tag, text, ...children) {
  const e = document.createElement(tag);
  if (text) e.textContent = text;
  e.append(...children);
  return e;
}
function color(name) {
  let h = 0;
  for (let i = 0; i < name.length; i++) h = (h * 31 + name.charCodeAt(i)) | 0;
  return `hsl(${((h >>> 0) % 360)} 45% ${dark ? 34 : 72}%)`;
}

// A lane keeps its spans in typed arrays and coarser copies of them, made when first needed: each
// level merges what is shorter than its resolution, so that drawing costs what the screen has.
class Level {
  constructor(count) {
    this.begin = new Float64Array(count); this.end = new Float64Array(count); this.key = new Int32Array(count);
    this.index = new Int32Array(count); this.count = 0; this.resolution = 0;
  }
  push(begin, end, key, index) {
    const n = this.count++;
    this.begin[n] = begin; this.end[n] = end; this.key[n] = key; this.index[n] = index;
  }
  first(time) {
    let low = 0, high = this.count;
    while (low < high) { const m = (low + high) >> 1; if (this.end[m] < time) low = m + 1; else high = m; }
    return low;
  }
}
function coarser(level, resolution) {
  const out = new Level(level.count);
  out.resolution = resolution;
  let weight = 0;
  for (let i = 0; i < level.count; i++) {
    const n = out.count - 1, begin = level.begin[i], end = level.end[i], length = end - begin;
    if (n >= 0 && length < resolution && begin - out.end[n] < resolution && end - out.begin[n] < resolution * 2) {
      if (length > weight) { weight = length; out.key[n] = level.key[i]; out.index[n] = level.index[i]; }
      out.end[n] = end;
    } else { out.push(begin, end, level.key[i], level.index[i]); weight = length; }
  }
  return out;
}
function levelFor(lane, pixel) {
  const levels = lane.levels;
  while (levels[levels.length - 1].count > 400 && levels[levels.length - 1].resolution < pixel) {
    const last = levels[levels.length - 1];
    levels.push(coarser(last, Math.max(last.resolution * 4, data.duration / 262144)));
  }
  let best = levels[0];
  for (const level of levels) if (level.resolution <= pixel) best = level;
  return best;
}
function spansLane(raw, stacks) {
  const n = raw.spans.length / 7, level = new Level(n);
  let at = raw.offset || 0;
  for (let i = 0; i < n; i++) {
    const o = i * 7, begin = at + raw.spans[o], end = begin + raw.spans[o + 1];
    level.push(begin, end, raw.spans[o + 2], i);
    at = end;
  }
  return { kind: 'goroutine', id: raw.id, index: raw.index, name: raw.name, label: raw.label || '', raw, stacks, levels: [level], height: ROW, title: `G ${raw.id} ${raw.name}` };
}
function build() {
  data.processors.forEach((numbers, p) => {
    const n = numbers.length / 5, level = new Level(n);
    let at = 0;
    for (let i = 0; i < n; i++) {
      const begin = at + numbers[i * 5], end = begin + numbers[i * 5 + 1];
      level.push(begin, end, numbers[i * 5 + 2], i);
      at = end;
    }
    lanes.push({ kind: 'processor', id: p, name: 'processor', label: '', numbers, levels: [level], height: ROW, title: `P ${p}` });
  });
  if (data.heap.length) lanes.push({ kind: 'heap', id: 0, name: 'heap', label: '', height: 40, title: 'heap in use, goal' });
  lanes.push({ kind: 'gc', id: 0, name: 'gc', label: '', height: ROW, title: 'GC marking, world stopped' });
  const few = data.densities.slice(0, 8);
  for (const d of few) lanes.push({ kind: 'density', id: 0, name: d.name, label: '', density: d, height: 34, title: `${d.goroutines} × ${d.name}` });
  for (const raw of data.lanes) { const lane = spansLane(raw, data.stacks); lanes.push(lane); byId.set(lane.id, lane); }
}
function layout() {
  const words = $('filter').value.trim().toLowerCase().split(/\s+/).filter(Boolean);
  const match = lane => words.every(w => (`${lane.title} ${lane.label}`).toLowerCase().includes(w));
  rows = [];
  const onPath = new Set(path.flatMap(p => [p.from, p.to]));
  const first = lanes.filter(l => l.kind === 'goroutine' && onPath.has(l.id));
  let y = 0;
  for (const lane of [...lanes.filter(l => l.kind !== 'goroutine'), ...first, ...lanes.filter(l => l.kind === 'goroutine' && !onPath.has(l.id))]) {
    if (words.length && !match(lane)) continue;
    rows.push({ lane, y, hot: lane.kind === 'goroutine' && onPath.has(lane.id) });
    y += lane.height;
  }
  rows.height = y;
  draw();
}

const chart = $('chart'), mini = $('mini');
let pending = false;
function draw() { if (!pending) { pending = true; requestAnimationFrame(paint); } }
function fit(canvas) {
  const ratio = devicePixelRatio || 1, w = canvas.clientWidth, h = canvas.clientHeight;
  if (canvas.width !== Math.round(w * ratio) || canvas.height !== Math.round(h * ratio)) {
    canvas.width = Math.round(w * ratio); canvas.height = Math.round(h * ratio);
  }
  const g = canvas.getContext('2d', { alpha: false });
  g.setTransform(ratio, 0, 0, ratio, 0, 0);
  g.fillStyle = GROUND; g.fillRect(0, 0, w, h);
  g.font = '11px system-ui,sans-serif'; g.textBaseline = 'middle';
  return [g, w, h];
}
const x = (time, width) => LABEL + (time - from) / (to - from) * (width - LABEL);
function clipText(g, text, room) {
  if (room < 14) return '';
  const keep = Math.floor(room / 6.4);
  return text.length <= keep ? text : text.slice(0, Math.max(1, keep - 1)) + '…';
}
let frames = 0, spent = 0;
function paint() {
  pending = false;
  const started = performance.now();
  const [g, w, h] = fit(chart);
  const pixel = (to - from) / Math.max(1, w - LABEL);
  scroll = Math.max(0, Math.min(scroll, rows.height - (h - AXIS)));
  g.save(); g.beginPath(); g.rect(0, AXIS, w, h - AXIS); g.clip();
  for (const row of rows) {
    const y = row.y - scroll + AXIS;
    if (y + row.lane.height < AXIS || y > h) continue;
    paintLane(g, row, y, w, pixel);
  }
  if (!rows.length) { g.fillStyle = DIM; g.fillText('No lane matches the filter. Esc clears it.', LABEL + 20, AXIS + 30); }
  paintPath(g, w);
  for (const m of data.markers) paintMark(g, m.at, w, h, m.label, '#8b5cf6');
  if (current >= 0) paintMark(g, data.exceptions[current].group.at, w, h, data.exceptions[current].group.kind, HOT);
  if (selection) {
    g.fillStyle = 'rgba(74,134,232,.18)';
    g.fillRect(x(selection[0], w), AXIS, x(selection[1], w) - x(selection[0], w), h);
  }
  g.restore();
  axis(g, w);
  g.fillStyle = LINE; g.fillRect(LABEL - 1, 0, 1, h);
  paintMini();
  frames++; spent += performance.now() - started;
  document.documentElement.dataset.frame = (spent / frames).toFixed(2);
  Object.assign(chart.dataset, { from, to, scroll, rows: rows.length, path: path.length });
}
function paintMark(g, time, w, h, text, ink) {
  const at = x(time, w);
  if (at < LABEL) return;
  g.fillStyle = ink; g.fillRect(at, AXIS, 1.5, h);
  g.fillText(text, at + 4, AXIS + 8);
}
function paintLane(g, row, y, w, pixel) {
  const lane = row.lane, bottom = y + lane.height - 3;
  g.fillStyle = row.hot ? HOT : lane === picked?.lane ? INK : DIM;
  g.fillText(clipText(g, lane.title, LABEL - 10), 6, y + lane.height / 2);
  g.save(); g.beginPath(); g.rect(LABEL, y, w - LABEL, lane.height); g.clip();
  if (lane.kind === 'goroutine' || lane.kind === 'processor') {
    let level = levelFor(lane, pixel), tile = lane.tile;
    if (tile && tile.from <= from && tile.to >= to && pixel < (tile.to - tile.from) / 300) level = tile.level;
    const n = level.count;
    let last = -1;
    for (let i = level.first(from); i < n && level.begin[i] <= to; i++) {
      let left = x(level.begin[i], w), right = x(level.end[i], w);
      if (right < last) continue;
      if (right - left < 1) right = left + 1;
      const key = level.key[i];
      const waiting = lane.kind === 'goroutine' && key === 2;
      g.fillStyle = lane.kind === 'processor' ? color(data.names[key]) : COLORS[key];
      g.fillRect(left, waiting ? y + 7 : y + 2, right - left, waiting ? 4 : bottom - y - 2);
      last = right;
      if (right - left > 40 && !waiting) {
        g.fillStyle = lane.kind === 'processor' ? INK : ON[key];
        const text = lane.kind === 'processor' ? data.names[key] : STATES[key];
        const shown = Math.max(left, LABEL);
        g.fillText(clipText(g, text, right - shown - 6), shown + 3, y + lane.height / 2);
      }
    }
    want(lane, pixel);
    if (lane.kind === 'goroutine') {
      let before = -9;
      for (const log of lane.logs || []) {
        const at = x(log[0], w);
        // Flags that would cover each other are drawn once; telling ones are drawn all.
        if (at < LABEL || at > w || at - before < 3 && !log[5]) continue;
        before = at;
        g.fillStyle = log[5] ? HOT : DIM;
        g.beginPath(); g.moveTo(at - 3, y); g.lineTo(at + 3, y); g.lineTo(at, y + 6); g.fill();
      }
    }
  } else if (lane.kind === 'gc') {
    for (const [list, ink, top, high] of [[data.collections, '#8b5cf6', 2, 7], [data.stops, HOT, 10, 5]]) {
      g.fillStyle = ink;
      for (const [begin, length] of list) {
        if (begin + length < from || begin > to) continue;
        const left = x(begin, w);
        g.fillRect(left, y + top, Math.max(1, x(begin + length, w) - left), high);
      }
    }
  } else if (lane.kind === 'heap') {
    let most = 1;
    for (const list of [data.heap, data.goal]) for (const p of list) most = Math.max(most, p[1]);
    for (const [list, ink] of [[data.goal, DIM], [data.heap, '#4a86e8']]) {
      g.strokeStyle = ink; g.beginPath();
      list.forEach((p, i) => { const px = x(p[0], w), py = y + lane.height - 3 - p[1] / most * (lane.height - 6); if (i) g.lineTo(px, py); else g.moveTo(px, py); });
      g.stroke();
    }
  } else if (lane.kind === 'density') {
    const b = lane.density.buckets, n = b.length / 4, width = data.duration / n;
    let most = 1;
    for (let i = 0; i < n; i++) most = Math.max(most, b[i * 4] + b[i * 4 + 1] + b[i * 4 + 2] + b[i * 4 + 3]);
    for (let i = Math.max(0, Math.floor(from / width)); i < n && i * width <= to; i++) {
      const left = x(i * width, w), right = x((i + 1) * width, w);
      let base = y + lane.height - 3;
      for (const s of [0, 3, 1, 2]) {
        const high = b[i * 4 + s] / most * (lane.height - 6);
        g.fillStyle = COLORS[s]; g.fillRect(left, base - high, right - left + .5, high);
        base -= high;
      }
    }
  }
  g.restore();
  g.fillStyle = LINE; g.fillRect(0, y + lane.height - 1, w, .5);
}
function rowOf(id) { return rows.find(r => r.lane.kind === 'goroutine' && r.lane.id === id); }
function paintPath(g, w) {
  g.lineWidth = 2; g.strokeStyle = HOT; g.fillStyle = HOT;
  for (const p of path) {
    const a = rowOf(p.from), b = rowOf(p.to);
    if (!a || !b) continue;
    const at = x(p.time, w), ya = a.y - scroll + AXIS + ROW / 2, yb = b.y - scroll + AXIS + ROW / 2;
    if (at < LABEL) continue;
    g.beginPath(); g.moveTo(at, ya); g.lineTo(at, yb); g.stroke();
    const d = Math.sign(yb - ya) * 5;
    g.beginPath(); g.moveTo(at - 4, yb - d); g.lineTo(at + 4, yb - d); g.lineTo(at, yb); g.fill();
  }
  g.lineWidth = 1;
}
function axis(g, w) {
  g.fillStyle = GROUND; g.fillRect(0, 0, w, AXIS);
  const rough = (to - from) / Math.max(2, (w - LABEL) / 110), power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map(f => f * power).find(s => s >= rough);
  g.fillStyle = DIM;
  for (let t = Math.ceil(from / step) * step; t <= to; t += step) {
    const at = x(t, w);
    g.fillRect(at, AXIS - 5, 1, 5);
    g.fillText(tick(Math.round(t), step), at + 3, 10);
  }
  if (data.wall && LABEL > 100) {
    g.fillText(new Date((data.wall + from) / 1e6).toISOString().slice(11, 23) + ' UTC', 6, 10);
  }
  g.fillStyle = LINE; g.fillRect(0, AXIS - 1, w, 1);
}
let miniPicture = null;
function paintMini() {
  const [g, w, h] = fit(mini);
  const ratio = devicePixelRatio || 1;
  if (!miniPicture || miniPicture.width !== mini.width) {
    miniPicture = document.createElement('canvas'); miniPicture.width = mini.width; miniPicture.height = mini.height;
    const m = miniPicture.getContext('2d'); m.scale(ratio, ratio);
    const n = data.densities[0] ? data.densities[0].buckets.length / 4 : 0, sums = Array.from({ length: n }, () => [0, 0, 0]);
    for (const d of data.densities) for (let i = 0; i < n; i++) { sums[i][0] += d.buckets[i * 4]; sums[i][1] += d.buckets[i * 4 + 1]; sums[i][2] += d.buckets[i * 4 + 3]; }
    const most = Math.max(1, ...sums.map(s => s[0] + s[1] + s[2]));
    sums.forEach((s, i) => {
      let base = h;
      [0, 2, 1].forEach(k => { const high = s[k] / most * (h - 12); m.fillStyle = COLORS[[0, 1, 3][k]]; m.fillRect(i / n * w, base - high, w / n + .5, high); base -= high; });
    });
    data.exceptions.forEach(e => { m.fillStyle = e.group.kind === 'cancel' ? '#d08700' : HOT; m.fillRect(e.group.at / data.duration * w, 0, 2, 9); });
    m.fillStyle = '#8b5cf6';
    data.markers.forEach(k => m.fillRect(k.at / data.duration * w, 0, 2, 14));
  }
  g.drawImage(miniPicture, 0, 0, w, h);
  g.fillStyle = dark ? 'rgba(20,23,27,.55)' : 'rgba(255,255,255,.6)';
  const a = from / data.duration * w, b = to / data.duration * w;
  g.fillRect(0, 0, a, h); g.fillRect(b, 0, w - b, h);
  g.strokeStyle = INK; g.strokeRect(a, .5, Math.max(2, b - a), h - 1);
}

// Details on demand, where a server stands behind the page.
let timer = 0;
function want(lane, pixel) {
  if (!data.served || lane.kind !== 'goroutine') return;
  const tile = lane.tile;
  if (tile && tile.from <= from && tile.to >= to && (tile.exact || pixel * 300 > tile.to - tile.from)) return;
  const level = lane.levels[0];
  let merged = false;
  for (let i = level.first(from), seen = 0; i < level.count && level.begin[i] <= to && seen < 2000; i++, seen++) {
    if (lane.raw.spans[level.index[i] * 7 + 6] > 1) { merged = true; break; }
  }
  if (!merged) return;
  wanted.set(lane, 1);
  clearTimeout(timer);
  timer = setTimeout(load, 120);
}
const query = new URLSearchParams(location.search).get('token');
function address(route, parameters) {
  const all = new URLSearchParams(parameters);
  if (query) all.set('token', query);
  return `${route}?${all}`;
}
async function load() {
  const list = [...wanted.keys()].slice(0, 40), margin = (to - from), a = Math.max(0, from - margin), b = Math.min(data.duration, to + margin);
  wanted.clear();
  await Promise.all(list.map(async lane => {
    const answer = await fetch(address('lane', { index: lane.index, from: Math.floor(a), to: Math.ceil(b) }));
    if (!answer.ok) return;
    const raw = await answer.json();
    const made = spansLane(raw, raw.stacks);
    lane.tile = { from: a, to: b, level: made.levels[0], raw, stacks: raw.stacks, exact: raw.exact };
  }));
  draw();
}

// Selection and details.
function stackList(frames) {
  const list = element('ol'); list.className = 'stack';
  if (!frames || !frames.length) { list.append(element('li', '(no stack)')); return list; }
  for (const f of frames) { const [name, place] = f.split('\n'); list.append(element('li', name + ' ', element('span', place))); }
  return list;
}
function goTo(id, time, span) {
  const lane = byId.get(id);
  if (time !== undefined) { const half = span || (to - from) / 2; from = Math.max(0, time - half); to = Math.min(data.duration, time + half); }
  if (lane) {
    picked = { lane };
    const row = rowOf(id);
    if (row) scroll = row.y - 120;
  } else if (data.served) {
    add(id);
  }
  draw();
}
// Shows a lane that was searched for: all of its life, and its longest state's stack.
function found(lane) {
  const level = lane.levels[0], n = level.count;
  if (!n) return;
  const begin = level.begin[0], end = level.end[n - 1], pad = Math.max(1e3, (end - begin) * .05);
  from = Math.max(0, begin - pad); to = Math.min(data.duration, end + pad);
  let longest = 0;
  for (let i = 1; i < n; i++) if (level.end[i] - level.begin[i] > level.end[longest] - level.begin[longest]) longest = i;
  goTo(lane.id);
  show(lane, longest, level, lane);
}
async function add(id) {
  const answer = await fetch(address('goroutine', { id }));
  if (!answer.ok) return;
  const raw = await answer.json();
  const lane = spansLane(raw, raw.stacks);
  lanes.push(lane); byId.set(id, lane);
  $('filter').value = '';
  layout(); found(lane); chart.focus();
}
function link(id, text, time) {
  const a = element('a', text);
  a.onclick = () => goTo(id, time);
  return a;
}
function show(lane, i, level, source) {
  const box = $('details'); box.textContent = '';
  const columns = element('div'); columns.className = 'columns'; box.append(columns);
  if (lane.kind === 'processor') {
    const o = level.index[i] * 5, n = lane.numbers, d = element('div');
    d.append(element('h2', `${lane.title} ran goroutine ${n[o + 3]} ${data.names[n[o + 2]]}`));
    d.append(element('div', `for ${unit(level.end[i] - level.begin[i])} from +${unit(level.begin[i])}${n[o + 4] > 1 ? `; stands for ${n[o + 4]} pieces, zoom in` : ''}`));
    d.append(link(n[o + 3], 'show this goroutine'));
    columns.append(d);
    return;
  }
  const o = level.index[i] * 7, s = source.raw.spans, d = element('div');
  const reason = data.reasons[s[o + 3]];
  d.append(element('h2', `${lane.title}: ${STATES[s[o + 2]]}${reason ? ` (${reason})` : ''}`));
  d.append(element('div', `${unit(level.end[i] - level.begin[i])} from +${unit(level.begin[i])} to +${unit(level.end[i])}`));
  if (s[o + 6] > 1) d.append(element('div', `stands for ${s[o + 6]} changes of state, zoom in${data.served ? '' : ' (or run goward trace --serve)'}`));
  if (lane.label) d.append(element('div', `label ${lane.label}`));
  if (lane.raw.totals) d.append(element('div', STATES.slice(0, 4).map((n, k) => `${n} ${unit(lane.raw.totals[k])}`).join(', ')));
  if (lane.raw.creator >= 0) { const c = element('div', 'created by '); c.append(link(lane.raw.creator, `goroutine ${lane.raw.creator}`, lane.raw.created)); d.append(c); }
  columns.append(d);
  const by = s[o + 5], st = element('div');
  if (by >= 0) { const t = element('h2', 'caused by '); t.append(link(by, `goroutine ${by}`, level.begin[i])); t.append(' at'); st.append(t); } else st.append(element('h2', 'stack'));
  st.append(stackList(source.stacks[s[o + 4]]));
  columns.append(st);
  if (lane.raw.createdAt) { const c = element('div'); c.append(element('h2', 'created at'), stackList(data.stacks[lane.raw.createdAt])); columns.append(c); }
}
function showBand(lane) {
  const box = $('details'), group = data.summary.groups.find(one => one.function === lane.name);
  box.textContent = '';
  box.append(element('h2', `${lane.density.goroutines.toLocaleString('en')} goroutines that began with ${lane.name}`));
  if (group) box.append(element('div', `${group.alive.toLocaleString('en')} alive at the end; running ${unit(group.running)}, runnable ${unit(group.runnable)}, waiting ${unit(group.waiting)}, syscall ${unit(group.syscall)} in all`));
  const own = element('a', 'only lanes of this function');
  own.onclick = () => { $('filter').value = lane.name; scroll = 0; layout(); };
  box.append(own);
}
function rowAt(py) { return py < AXIS ? undefined : rows.find(r => { const y = r.y - scroll + AXIS; return py >= y && py < y + r.lane.height; }); }
// What is under the pointer, in lines of text.
function describe(px, py) {
  const row = rowAt(py);
  if (!row) return [];
  const lane = row.lane, w = chart.clientWidth;
  if (px < LABEL) return [lane.title, lane.label && `label ${lane.label}`].filter(Boolean);
  const time = from + (px - LABEL) / (w - LABEL) * (to - from), at = `at +${unit(time)}`;
  if (lane.kind === 'heap') {
    const value = list => { let last; for (const p of list) { if (p[0] > time) break; last = p; } return last ? `${(last[1] / 1048576).toFixed(1)} MiB` : 'unknown'; };
    return [`heap ${value(data.heap)}, goal ${value(data.goal)}`, at];
  }
  if (lane.kind === 'gc') {
    const pixel = (to - from) / (w - LABEL), hit = list => list.find(one => time >= one[0] - 2 * pixel && time <= one[0] + one[1] + 2 * pixel);
    const gc = hit(data.collections), stop = hit(data.stops);
    return [gc && `GC marking for ${unit(gc[1])}`, stop && `world stopped for ${unit(stop[1])}: ${stop[2]}`, at].filter(Boolean);
  }
  if (lane.kind === 'density') {
    const b = lane.density.buckets, i = Math.min(b.length / 4 - 1, Math.floor(time / data.duration * b.length / 4)) * 4;
    return [lane.title, `${STATES.slice(0, 4).map((n, k) => `${(b[i + k] / 100).toFixed(b[i + k] < 1000 ? 2 : 0)} ${n}`).join(', ')}`, at];
  }
  const log = (lane.logs || []).find(l => Math.abs(x(l[0], w) - px) < 4);
  let source = lane, level = lane.levels[0];
  if (lane.tile && lane.tile.from <= time && lane.tile.to >= time) { source = lane.tile; level = lane.tile.level; }
  const i = level.first(time), lines = log ? [`log ${log[2]}: ${log[3]}`] : [];
  if (i >= level.count || level.begin[i] > time) return [...lines, lane.kind === 'processor' ? `${lane.title} idle` : lane.title, at];
  const length = unit(level.end[i] - level.begin[i]);
  if (lane.kind === 'processor') {
    const o = level.index[i] * 5, n = lane.numbers;
    return [...lines, `G ${n[o + 3]} ${data.names[n[o + 2]]}`, `for ${length}${n[o + 4] > 1 ? `, stands for ${n[o + 4]} pieces` : ''}`, at];
  }
  const o = level.index[i] * 7, s = source.raw.spans, reason = data.reasons[s[o + 3]], top = (source.stacks[s[o + 4]] || [])[0];
  return [...lines, lane.title, `${STATES[s[o + 2]]}${reason ? ` (${reason})` : ''} for ${length}${s[o + 6] > 1 ? `, stands for ${s[o + 6]} changes` : ''}`, ...(top ? [top.split('\n')[0]] : []), at];
}
function hover(px, py) {
  const tip = $('tip'), lines = describe(px, py);
  tip.hidden = !lines.length;
  tip.textContent = lines.join('\n');
  if (tip.hidden) return;
  const room = chart.clientWidth - tip.offsetWidth - 8;
  tip.style.left = `${chart.offsetLeft + Math.max(0, Math.min(px + 14, room))}px`;
  const below = py + 18 + tip.offsetHeight < chart.clientHeight;
  tip.style.top = `${chart.offsetTop + (below ? py + 18 : py - 8 - tip.offsetHeight)}px`;
}
function pick(px, py) {
  const row = rowAt(py);
  if (!row) return;
  const lane = row.lane;
  picked = { lane };
  if (!lane.levels) { if (lane.kind === 'density') showBand(lane); draw(); return; }
  const w = chart.clientWidth, time = from + (px - LABEL) / (w - LABEL) * (to - from);
  let source = lane, level = lane.levels[0];
  if (lane.tile && lane.tile.from <= time && lane.tile.to >= time) { source = lane.tile; level = lane.tile.level; }
  const log = (lane.logs || []).find(l => Math.abs(x(l[0], w) - px) < 5);
  const i = level.first(time);
  if (i < level.count) show(lane, i, level, source);
  if (log) { const d = element('div'); d.append(element('h2', `log ${log[2]}: ${log[3]}`), stackList(data.stacks[log[4]])); $('details').prepend(d); }
  draw();
}

// The flame graph of a selected time: CPU samples where there are some, else running time by stack.
function flame() {
  const box = $('details'); box.textContent = '';
  const [a, b] = selection, root = { name: 'all', value: 0, children: new Map() };
  const add = (frames, value) => {
    root.value += value;
    let node = root;
    for (let i = frames.length - 1; i >= 0; i--) {
      const name = frames[i].split('\n')[0];
      let child = node.children.get(name);
      if (!child) node.children.set(name, child = { name, value: 0, children: new Map() });
      child.value += value; node = child;
    }
  };
  let what = 'CPU samples';
  for (let i = 0; i < data.samples.length; i += 3) {
    if (data.samples[i] >= a && data.samples[i] <= b) add(data.stacks[data.samples[i + 2]], 1);
  }
  if (!root.value) {
    what = 'waiting time by stack, of the lanes shown';
    for (const { lane } of rows) {
      if (lane.kind !== 'goroutine') continue;
      const level = lane.levels[0];
      for (let i = level.first(a); i < level.count && level.begin[i] <= b; i++) {
        const o = level.index[i] * 7;
        if (lane.raw.spans[o + 2] !== 2) continue;
        add(lane.stacks[lane.raw.spans[o + 4]] || [], Math.min(level.end[i], b) - Math.max(level.begin[i], a));
      }
    }
  }
  box.append(element('h2', `${unit(b - a)} selected, ${what}${root.value ? '' : ': none'}`));
  if (!root.value) return;
  const canvas = document.createElement('canvas'); canvas.id = 'flame';
  let depth = 0;
  (function walk(n, d) { depth = Math.max(depth, d); for (const c of n.children.values()) walk(c, d + 1); })(root, 0);
  canvas.style.height = `${(depth + 1) * 17}px`;
  box.append(canvas);
  const [g, w] = fit(canvas);
  const boxes = [];
  (function paintNode(n, d, left, width) {
    if (width < .5) return;
    g.fillStyle = color(n.name); g.fillRect(left, d * 17, width - .5, 16);
    g.fillStyle = INK; g.fillText(clipText(g, n.name, width - 4), left + 2, d * 17 + 8);
    boxes.push([left, d * 17, width, n]);
    let at = left;
    for (const c of [...n.children.values()].sort((p, q) => q.value - p.value)) { const cw = width * c.value / n.value; paintNode(c, d + 1, at, cw); at += cw; }
  })(root, 0, 0, w);
  canvas.onmousemove = e => {
    const hit = boxes.find(([l, t, wd]) => e.offsetX >= l && e.offsetX < l + wd && e.offsetY >= t && e.offsetY < t + 16);
    canvas.title = hit ? `${hit[3].name}: ${what === 'CPU samples' ? hit[3].value + ' samples' : unit(hit[3].value)} (${(hit[3].value / root.value * 100).toFixed(1)} %)` : '';
  };
}

function mark() { document.querySelectorAll('.exception').forEach((b, i) => b.setAttribute('aria-current', i === current)); }
function choose(index) {
  current = index;
  mark();
  const { group, path: p } = data.exceptions[index];
  path = [];
  for (const s of p.steps) if (s.by !== null) path.push({ from: s.by, to: s.goroutine, time: s.from });
  for (const h of p.hits) path.push({ from: group.goroutine, to: h.goroutine, time: h.at });
  const times = [group.at, ...p.steps.slice(0, 6).map(s => s.from), ...p.hits.map(h => h.at)].filter(t => t > 0 && Math.abs(t - group.at) < 5e8);
  const low = Math.min(...times), high = Math.max(...times), pad = Math.max(2e4, (high - low) * .25);
  from = Math.max(0, low - pad); to = Math.min(data.duration, high + pad);
  picked = { lane: byId.get(group.goroutine) };
  layout();
  const row = rowOf(group.goroutine);
  if (row) scroll = row.y - 100;
  const box = $('details'); box.textContent = '';
  const columns = element('div'); columns.className = 'columns'; box.append(columns);
  const d = element('div');
  d.append(element('h2', `${group.kind} in goroutine ${group.goroutine} ${group.function} at +${unit(group.at)}${group.count > 1 ? ` (first of ${group.count})` : ''}`));
  if (group.message) d.append(element('div', group.message));
  if (group.by_deadline) d.append(element('div', 'the context\'s deadline passed'));
  if (group.origin) d.append(element('div', `origin ${group.origin.function} ${group.origin.file}:${group.origin.line}`));
  for (const f of group.masked_by) d.append(element('div', `masked by the panic of ${f.function} ${f.file}:${f.line}`));
  for (const f of group.in_deferred) d.append(element('div', `in deferred ${f.function} ${f.file}:${f.line}`));
  columns.append(d);
  const way = element('div'); way.append(element('h2', 'the way back'));
  for (const s of p.steps) {
    const line = element('div');
    line.append(link(s.goroutine, `goroutine ${s.goroutine}`, s.from), ` ${s.function} ${s.how}`);
    if (s.waited_since !== null && s.how !== 'created') line.append(` after ${s.waited_before ? 'at least ' : ''}${unit(s.from - s.waited_since)}${s.waited_for ? ` (${s.waited_for})` : ''}`);
    if (s.by !== null) { line.append(' by '); line.append(link(s.by, `goroutine ${s.by}`, s.from)); line.append(` ${s.by_function}`); }
    way.append(line);
  }
  columns.append(way);
  if (p.hits.length) {
    const hit = element('div'); hit.append(element('h2', `woke ${p.hits.length + p.more_hits} goroutines`));
    for (const one of p.hits) { const line = element('div'); line.append(link(one.goroutine, `goroutine ${one.goroutine}`, one.at), ` ${one.function}, waited ${one.waited_before ? 'at least ' : ''}${unit(one.waited)}${one.waited_for ? ` (${one.waited_for})` : ''}`); hit.append(line); }
    columns.append(hit);
  }
  const st = element('div'); st.append(element('h2', 'stack'), stackList(group.stack.map(f => `${f.function}\n${f.file}:${f.line}`)));
  columns.append(st);
}
function table(title, head, lines, open) {
  const box = element('details'); box.open = open;
  box.append(element('summary', title));
  const t = element('table');
  t.append(element('tr', '', ...head.map(h => element('th', h))));
  // Names may be broken after their parts, with a space of no width.
  for (const line of lines) t.append(element('tr', '', ...line.map((c, i) => element('td', i === line.length - 1 ? String(c).replace(/([./)])(?=\w)/g, '$1\u200b') : String(c)))));
  box.append(t);
  return box;
}
function side() {
  const s = data.summary, nav = $('side');
  $('title').textContent = data.title;
  document.title = `${data.title} — goward trace`;
  $('facts').textContent = `${unit(s.duration)}, ${s.events.toLocaleString('en')} events, ${s.goroutines.toLocaleString('en')} goroutines, ${s.processors} processors` + (data.hidden ? `; ${data.lanes.length} goroutines shown, ${data.hidden.toLocaleString('en')} in the bands of their function` : '');
  if (s.failure) { const w = element('p', `The trace breaks off: ${s.failure}`); w.style.color = HOT; nav.append(w); }
  nav.append(element('h2', data.exceptions.length ? 'Exceptions' : 'No exceptions'));
  if (!data.exceptions.length) nav.append(element('p', 'No panic, cancellation or error was seen in this trace. Log them with trace.Log where you recover.'));
  data.exceptions.forEach(({ group }, i) => {
    const b = element('button'); b.className = `exception ${group.kind}`;
    b.append(element('b', `${group.kind} ×${group.count} `), group.message || '', element('br'), element('span', group.origin ? `${group.origin.function} (${group.origin.file.split('/').pop()}:${group.origin.line})` : group.by_deadline ? 'the deadline passed' : 'origin unknown'));
    b.querySelector('span').className = 'dim';
    b.onclick = () => choose(i);
    nav.append(b);
  });
  if (data.moreExceptions) nav.append(element('div', `${data.moreExceptions} more places`));
  for (const m of data.markers) {
    nav.append(element('h2', m.label), element('div', m.matched));
    nav.append(table('groups', ['count', 'what', 'in the trace'], m.groups.slice(0, 20).map(g => [g.count, g.title, g.trace]), false));
  }
  const short = f => f.function.replace(/^.*\//, '');
  const telling = list => list.find(f => !/^(runtime|sync|internal|context)[./]/.test(f.function)) || list[0];
  nav.append(table('Goroutines by function', ['count', 'running', 'waiting', 'function'], s.groups.slice(0, 40).map(g => [g.goroutines, unit(g.running), unit(g.waiting), g.function]), true));
  nav.append(table('What blocked whom', ['count', 'waited', 'where, by whom'], s.blocking.slice(0, 25).map(b => [b.count, unit(b.waited), `${b.reason || 'waiting'} ${b.waiting_at.length ? short(telling(b.waiting_at)) : ''} ← ${b.woken_at.length ? short(telling(b.woken_at)) : 'runtime'}`]), false));
  nav.append(table('System calls', ['count', 'took', 'where'], s.syscalls.slice(0, 15).map(b => [b.count, unit(b.waited), b.waiting_at.length ? short(telling(b.waiting_at)) : '']), false));
  nav.append(table('Tasks', ['count', 'median', 'longest', 'name'], s.tasks.slice(0, 30).map(t => [t.count, unit(t.median), unit(t.longest), t.name]), false));
  nav.append(table('Regions', ['count', 'median', 'longest', 'name'], s.regions.slice(0, 30).map(t => [t.count, unit(t.median), unit(t.longest), t.name]), false));
  nav.append(table('Collector', ['count', 'total', 'longest', 'what'], [s.collections, ...s.stops].map(t => [t.count, unit(t.total), unit(t.longest), t.name]), false));
  STATES.slice(0, 4).forEach((n, i) => { const e = element('span'), c = element('i'); c.style.background = COLORS[i]; e.append(c, n); $('legend').append(e); });
  for (const [ink, text] of [['#8b5cf6', 'GC marking, dumps'], [DIM, 'log'], [HOT, 'world stopped, telling log, exception path']]) { const e = element('span'), c = element('i'); c.style.background = ink; e.append(c, text); $('legend').append(e); }
}

function zoom(factor, at) {
  const span = Math.min(data.duration, Math.max(50, (to - from) * factor));
  const share = (at - from) / (to - from);
  from = Math.max(0, Math.min(at - span * share, data.duration - span)); to = from + span;
  draw();
}
function pan(time) {
  const span = to - from;
  from = Math.max(0, Math.min(from + time, data.duration - span)); to = from + span;
  draw();
}
function wire() {
  const timeAt = px => from + (px - LABEL) / (chart.clientWidth - LABEL) * (to - from);
  chart.addEventListener('wheel', e => {
    e.preventDefault();
    if (e.shiftKey) { scroll += e.deltaY || e.deltaX; draw(); }
    else if (Math.abs(e.deltaX) > Math.abs(e.deltaY)) pan(e.deltaX / chart.clientWidth * (to - from));
    else zoom(Math.exp(e.deltaY * .0015), Math.max(from, timeAt(e.offsetX)));
  }, { passive: false });
  let drag = null;
  chart.addEventListener('pointerdown', e => { drag = { x: e.offsetX, y: e.offsetY, from, scroll, moved: false, select: e.shiftKey }; chart.setPointerCapture(e.pointerId); chart.focus({ preventScroll: true }); });
  chart.addEventListener('pointerleave', () => { $('tip').hidden = true; });
  chart.addEventListener('pointermove', e => {
    if (!drag) { hover(e.offsetX, e.offsetY); return; }
    $('tip').hidden = true;
    const dx = e.offsetX - drag.x, dy = e.offsetY - drag.y;
    if (Math.abs(dx) + Math.abs(dy) > 3) drag.moved = true;
    if (drag.select) { const a = timeAt(drag.x), b = timeAt(e.offsetX); selection = [Math.max(0, Math.min(a, b)), Math.max(a, b)]; draw(); }
    else if (drag.moved) { from = drag.from; to = from + (to - from); const span = to - from; const t = drag.from - dx / (chart.clientWidth - LABEL) * width0; from = Math.max(0, Math.min(t, data.duration - width0)); to = from + width0; scroll = drag.scroll - dy; draw(); }
  });
  let width0 = to - from;
  chart.addEventListener('pointerdown', () => { width0 = to - from; });
  chart.addEventListener('pointerup', e => {
    if (drag && !drag.moved) pick(e.offsetX, e.offsetY);
    else if (drag && drag.select) flame();
    drag = null;
  });
  const seek = e => { const w = to - from, t = e.offsetX / mini.clientWidth * data.duration; from = Math.max(0, Math.min(t - w / 2, data.duration - w)); to = from + w; draw(); };
  mini.addEventListener('pointerdown', e => { seek(e); mini.onpointermove = seek; mini.setPointerCapture(e.pointerId); });
  mini.addEventListener('pointerup', () => { mini.onpointermove = null; });
  $('filter').addEventListener('input', () => { scroll = 0; layout(); });
  $('filter').addEventListener('keydown', e => {
    if (e.key === 'Escape') { e.target.value = ''; layout(); chart.focus(); }
    if (e.key !== 'Enter') return;
    const number = /^\d+$/.test(e.target.value.trim()) ? +e.target.value : -1;
    const lane = byId.get(number) || rows.find(r => r.lane.kind === 'goroutine')?.lane;
    if (number >= 0 && !byId.has(number) && data.served) add(number);
    else if (lane) { e.target.value = ''; layout(); found(lane); chart.focus(); }
  });
  $('help').onclick = () => $('keys').showModal();
  addEventListener('resize', draw);
  addEventListener('keydown', e => {
    if (e.target.tagName === 'INPUT' || e.ctrlKey || e.metaKey || e.altKey) return;
    const middle = (from + to) / 2, step = (to - from) * .2, n = data.exceptions.length;
    const keys = {
      w: () => zoom(.7, middle), '+': () => zoom(.7, middle), s: () => zoom(1.4, middle), '-': () => zoom(1.4, middle),
      a: () => pan(-step), ArrowLeft: () => pan(-step), d: () => pan(step), ArrowRight: () => pan(step),
      ArrowUp: () => { scroll -= ROW * 3; draw(); }, ArrowDown: () => { scroll += ROW * 3; draw(); },
      0: () => { from = 0; to = data.duration; draw(); }, '/': () => $('filter').focus(), '?': () => $('keys').showModal(),
      e: () => n && choose((current + 1) % n), E: () => n && choose((current - 1 + n) % n),
      Escape: () => { selection = null; path = []; current = -1; picked = null; mark(); layout(); },
    };
    if (keys[e.key]) { e.preventDefault(); keys[e.key](); }
  });
}
async function start() {
  const text = $('data').textContent, raw = atob(text), bytes = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
  data = await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate-raw'))).json();
  $('data').remove();
  to = Math.max(1, data.duration);
  build(); side(); wire(); layout();
  const hint = element('p', 'Click a lane for its stack and for what caused its state. Drag pans, the wheel zooms, shift + drag selects a time for its flame graph' + (data.exceptions.length ? ', e goes to the first exception.' : '.') + (data.logsLeftOut ? ` ${data.logsLeftOut.toLocaleString('en')} logs are left out, evenly over time.` : ''));
  hint.className = 'dim';
  $('details').append(hint);
  for (const log of data.logs) { const lane = byId.get(log[1]); if (lane) (lane.logs ||= []).push(log); }
  const hash = new URLSearchParams(location.hash.slice(1));
  if (hash.has('exception')) choose(Math.min(+hash.get('exception'), data.exceptions.length - 1));
  if (hash.has('from')) { from = +hash.get('from'); to = +hash.get('to'); draw(); }
  requestAnimationFrame(() => { document.documentElement.dataset.ready = performance.now().toFixed(0); });
}
start().catch(e => { $('facts').textContent = `The page cannot show its data: ${e}`; document.documentElement.dataset.failed = '1'; });
})();
