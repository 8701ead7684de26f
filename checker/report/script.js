/* The report's script: buttons that copy, and the timeline. All else of the page is there without it. */
"use strict";

function element(name, attributes, text) {
  const e = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) e.setAttribute(key, value);
  if (text !== undefined) e.textContent = text;
  return e;
}

/* ---- copying ---- */

/* As a selection, where a page may not write to the clipboard itself. */
function copySelected(text) {
  const area = element("textarea", { readonly: "" }, text);
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  return done ? Promise.resolve() : Promise.reject();
}

function copyText(text) {
  if (!navigator.clipboard) return copySelected(text);
  return navigator.clipboard.writeText(text).catch(() => copySelected(text));
}

for (const button of document.querySelectorAll(".copy")) {
  button.hidden = false;
  button.addEventListener("click", () => {
    copyText(button.previousElementSibling.textContent).then(
      () => { button.textContent = "Copied"; },
      () => { button.textContent = "Failed"; });
    setTimeout(() => { button.textContent = "Copy"; button.focus(); }, 1500);
  });
}

/* ---- what is drawn ----
 * A series has stretches [from, to) of instructions, and how much of each counts; sums make the part of any range a
 * difference of two, so that a column of pixels costs the same whether it shows one switch or ten thousand. */

const data = JSON.parse(document.getElementById("data").textContent);

function makeSeries(parts) {
  const n = parts.length, from = new Float64Array(n), to = new Float64Array(n), sum = new Float64Array(n + 1);
  parts.forEach(([a, b, weight], k) => {
    from[k] = a;
    to[k] = b;
    sum[k + 1] = sum[k] + weight;
  });
  return { from, to, sum };
}

/* How many of a sorted array are at most x. */
function countUpTo(array, x) {
  let lo = 0, hi = array.length;
  while (lo < hi) {
    const mid = (lo + hi) >> 1;
    if (array[mid] <= x) lo = mid + 1; else hi = mid;
  }
  return lo;
}

/* The series' part of [0, x). */
function partBefore(series, x) {
  const k = countUpTo(series.from, x);
  if (!k) return 0;
  const last = k - 1, length = series.to[last] - series.from[last];
  if (x >= series.to[last] || !length) return series.sum[k];
  return series.sum[last] + (series.sum[k] - series.sum[last]) * (x - series.from[last]) / length;
}

function share(series, a, b) {
  return (partBefore(series, b) - partBefore(series, a)) / (b - a);
}

/* A CPU's stretches, unpacked; and its series: EL2 by reason, then each world that ran there. */
function unpack(cpu, number) {
  const stretches = [];
  let at = 0;
  for (let k = 0; k < cpu.s.length; k += 4) {
    const from = at + cpu.s[k], to = from + cpu.s[k + 1];
    stretches.push({ from, to, world: cpu.s[k + 2], reason: cpu.s[k + 3], passages: 1, inside: to - from });
    at = to;
  }
  for (let k = 0; k < cpu.m.length; k += 3)
    Object.assign(stretches[cpu.m[k]], { passages: cpu.m[k + 1], inside: cpu.m[k + 2] });
  const reasons = new Map(), worlds = new Map();
  const add = (map, key, part) => { if (!map.has(key)) map.set(key, []); map.get(key).push(part); };
  stretches.forEach((s, k) => {
    add(worlds, s.world, [s.from, s.to, s.inside]);
    const next = k + 1 < stretches.length ? stretches[k + 1].from : data.end;
    if (s.reason >= 0)
      add(reasons, s.reason, [s.from, next, next - s.from - s.inside]);
  });
  /* A passage begins where its world ends, unless it stands for several. */
  for (const [reason, parts] of reasons)
    parts.forEach((part) => { if (part[2] < part[1] - part[0]) part[0] = narrow(stretches, part); });
  const rows = [...worlds.keys()].sort(byName).map((world) => ({ world, series: makeSeries(worlds.get(world)) }));
  const counts = new Float64Array(stretches.length + 1);
  stretches.forEach((s, k) => { counts[k + 1] = counts[k] + s.passages; });
  return {
    number, stretches, counts, rows,
    starts: Float64Array.from(stretches, (s) => s.from),
    reasons: [...reasons].map(([reason, parts]) => ({ reason, series: makeSeries(parts) })),
  };
}

function byName(a, b) {
  return data.worlds[a].localeCompare(data.worlds[b], "en", { numeric: true }) || a - b;
}

function narrow(stretches, part) {
  let lo = 0, hi = stretches.length;
  while (lo < hi) {
    const mid = (lo + hi) >> 1;
    if (stretches[mid].from < part[0]) lo = mid + 1; else hi = mid;
  }
  const s = stretches[lo];
  return s.passages === 1 ? s.to : s.from;
}

const cpus = data.cpus.map(unpack).filter((cpu) => cpu.stretches.length || data.cpus.length === 1);

/* The reasons that take most, with a colour each; what is left has one together. */
const PALETTE = 7;
const taken = new Map();
for (const cpu of cpus)
  for (const { reason, series } of cpu.reasons)
    taken.set(reason, (taken.get(reason) || 0) + series.sum[series.sum.length - 1]);
const ranked = [...taken].sort((a, b) => b[1] - a[1] || a[0] - b[0]).map(([reason]) => reason);
const colourOf = (reason) => (ranked.indexOf(reason) < PALETTE ? "--r" + ranked.indexOf(reason) : "--rest");

/* ---- the view ---- */

const MARGIN = 78, MARKS = 18, EL2 = 26, ROW = 16, SPACE = 12, AXIS = 22, LEAST = 20;
const insns = (n) => comma(n) + (n === 1 ? " instruction" : " instructions");
const comma = (n) => Math.round(n).toLocaleString("en-US");
const place = document.getElementById("tl");
const heights = cpus.map((cpu) => MARKS + EL2 + ROW * cpu.rows.length + SPACE);
const height = heights.reduce((a, b) => a + b, 0) + AXIS;
const first = cpus.reduce((a, cpu) => Math.min(a, cpu.stretches.length ? cpu.stretches[0].from : data.end), data.end);
const all = [cpus.length && first < data.end ? Math.max(0, first - (data.end - first) * 0.02) : 0, data.end || 1];
/* What a host did before there was a guest is a long way to look at. */
const guests = cpus.flatMap((cpu) => cpu.stretches.filter((s) => data.worlds[s.world].startsWith("vm")).slice(0, 1)).map((s) => s.from);
const start = Math.min(...guests, ...data.findings.map((f) => f.at), data.end);
let view = guests.length ? limit(start - (data.end - start) * 0.02, data.end) : all.slice(), cursor = null, ask = 0;

const tools = element("div", { class: "bar-of-tools" });
const range = element("span", { class: "range" });
const plot = element("div", { class: "plot" });
const canvas = element("canvas", { tabindex: "0", role: "img" });
const tip = element("div", { class: "tip", role: "status", "aria-live": "polite", hidden: "" });
const legend = element("ul", { class: "legend" });
canvas.setAttribute("aria-label", "Timeline of " + cpus.length + " CPUs, " + comma(data.end) + " instructions. Arrow keys move, plus and minus zoom, "
  + "N and P go to the next and the previous switch, F to the next finding, 0 shows all.");

function style(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function limit(from, to) {
  let length = Math.min(Math.max(to - from, LEAST), all[1] - all[0]);
  const middle = (from + to) / 2;
  let a = Math.max(all[0], Math.min(middle - length / 2, all[1] - length));
  return [a, a + length];
}

function show(from, to, keepHash) {
  view = limit(from, to);
  if (!keepHash) {
    const whole = view[0] === all[0] && view[1] === all[1];
    try {
      history.replaceState(null, "", whole ? "#timeline" : "#t=" + Math.floor(view[0]) + "," + Math.ceil(view[1]));
    } catch (e) { /* a page in a frame may not */ }
  }
  redraw();
}

function zoom(factor, at) {
  const x = at === undefined ? (view[0] + view[1]) / 2 : at;
  show(x - (x - view[0]) * factor, x + (view[1] - x) * factor);
}

function pan(part) {
  const by = (view[1] - view[0]) * part;
  show(view[0] + by, view[1] + by);
}

function redraw() {
  if (!ask) ask = requestAnimationFrame(() => { ask = 0; draw(); });
}

/* ---- drawing ---- */

function draw() {
  const width = plot.clientWidth, ratio = window.devicePixelRatio || 1, g = canvas.getContext("2d");
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  canvas.style.height = height + "px";
  g.scale(ratio, ratio);
  const pen = {
    g, width, step: 1 / ratio, ink: style("--ink"), soft: style("--soft"), line: style("--line"), world: style("--world"),
    bad: style("--bad"), warn: style("--warn"), page: style("--page"), font: style("--sans"),
    colours: new Map(ranked.map((reason) => [reason, style(colourOf(reason))])),
    x: (at) => MARGIN + (at - view[0]) / (view[1] - view[0]) * (width - MARGIN - 1),
    at: (x) => view[0] + (x - MARGIN) / (width - MARGIN - 1) * (view[1] - view[0]),
  };
  g.fillStyle = pen.page;
  g.fillRect(0, 0, width, height);
  drawAxis(pen);
  let y = 0;
  cpus.forEach((cpu, k) => {
    drawCpu(pen, cpu, y);
    y += heights[k];
  });
  drawMarks(pen);
  range.textContent = comma(view[0]) + " to " + comma(view[1]) + ", " + comma(countIn(view[0], view[1])) + " entries";
}

function countIn(a, b) {
  return cpus.reduce((n, cpu) => n + cpu.counts[countUpTo(cpu.starts, b)] - cpu.counts[countUpTo(cpu.starts, a)], 0);
}

function drawAxis(pen) {
  const { g } = pen, room = (pen.width - MARGIN) / 110, rough = (view[1] - view[0]) / Math.max(1, room);
  const power = Math.pow(10, Math.floor(Math.log10(rough)));
  const step = Math.max(1, [1, 2, 5, 10].map((m) => m * power).find((s) => s >= rough));
  g.font = "11px " + pen.font;
  g.textBaseline = "middle";
  for (let t = Math.ceil(view[0] / step) * step; t <= view[1]; t += step) {
    const x = Math.round(pen.x(t)) + 0.5;
    g.strokeStyle = pen.line;
    g.beginPath();
    g.moveTo(x, 0);
    g.lineTo(x, height - AXIS + 4);
    g.stroke();
    g.fillStyle = pen.soft;
    const label = comma(t), half = g.measureText(label).width / 2;
    g.textAlign = "left";
    g.fillText(label, Math.min(Math.max(x - half, 2), pen.width - 2 * half - 3), height - AXIS / 2 + 2);
  }
}

function fit(g, text, most) {
  if (g.measureText(text).width <= most) return text;
  while (text && g.measureText(text + "…").width > most) text = text.slice(0, -1);
  return text + "…";
}

function rowLabel(pen, text, y, bold) {
  const { g } = pen;
  g.font = (bold ? "600 " : "") + "11px " + pen.font;
  g.fillStyle = bold ? pen.ink : pen.soft;
  g.textAlign = "left";
  g.textBaseline = "middle";
  g.fillText(fit(g, text, MARGIN - 10), 5, y);
}

/* For each column of device pixels, what the series have of it, one above the other. */
function drawSeries(pen, list, top, size) {
  const { g } = pen;
  for (let x = MARGIN; x < pen.width - 1; x += pen.step) {
    const a = pen.at(x), b = pen.at(x + pen.step);
    let y = top + size;
    for (const [series, colour] of list) {
      const h = size * Math.min(1, share(series, a, b));
      if (h <= 0) continue;
      const tall = Math.max(h, pen.step);
      g.fillStyle = colour;
      g.fillRect(x, y - tall, pen.step * 1.02, tall);
      y -= h;
    }
  }
}

function luminance(colour) {
  const part = [1, 3, 5].map((k) => parseInt(colour.slice(k, k + 2), 16) / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : Math.pow((v + 0.055) / 1.055, 2.4)));
  return 0.2126 * part[0] + 0.7152 * part[1] + 0.0722 * part[2];
}

function inside(pen, text, from, to, y, colour) {
  const a = Math.max(pen.x(from), MARGIN), b = Math.min(pen.x(to), pen.width - 1);
  pen.g.font = "11px " + pen.font;
  if (b - a < 30 || pen.g.measureText(text).width > b - a - 6) return;
  const l = luminance(colour) + 0.05; /* black or white, whichever has more contrast */
  pen.g.fillStyle = l / 0.0587 > 1.05 / l ? "#16191f" : "#ffffff";
  pen.g.textAlign = "center";
  pen.g.textBaseline = "middle";
  pen.g.fillText(text, (a + b) / 2, y);
}

/* Names where there is room for them: only if few stretches are seen. */
function drawNames(pen, cpu, top) {
  const start = Math.max(0, countUpTo(cpu.starts, view[0]) - 1), end = countUpTo(cpu.starts, view[1]);
  if (end - start > 200) return;
  for (let k = start; k < end; k++) {
    const s = cpu.stretches[k], next = k + 1 < end || k + 1 < cpu.stretches.length ? cpu.stretches[k + 1].from : data.end;
    if (s.passages > 1) continue;
    if (s.reason >= 0) inside(pen, data.reasons[s.reason], s.to, next, top + MARKS + EL2 / 2, pen.colours.get(s.reason));
  }
}

function drawCpu(pen, cpu, top) {
  const { g } = pen;
  let y = top + MARKS;
  rowLabel(pen, "cpu" + cpu.number + ", EL2", y + EL2 / 2, true);
  drawSeries(pen, cpu.reasons.slice().sort((a, b) => ranked.indexOf(a.reason) - ranked.indexOf(b.reason))
    .map(({ reason, series }) => [series, pen.colours.get(reason)]), y, EL2 - 2);
  y += EL2;
  for (const { world, series } of cpu.rows) {
    rowLabel(pen, data.worlds[world], y + ROW / 2);
    drawSeries(pen, [[series, pen.world]], y + 1, ROW - 3);
    g.fillStyle = pen.line;
    g.fillRect(MARGIN, y + ROW - 1, pen.width - MARGIN, 1);
    y += ROW;
  }
  drawNames(pen, cpu, top);
}

function topOf(number) {
  let y = 0;
  for (let k = 0; k < cpus.length; k++) {
    if (cpus[k].number === number) return y;
    y += heights[k];
  }
  return 0;
}

function drawMarks(pen) {
  const { g } = pen;
  for (const f of data.findings) {
    const x = pen.x(f.at), y = topOf(f.cpu);
    if (x < MARGIN - 1 || x > pen.width) continue;
    g.fillStyle = g.strokeStyle = f.error ? pen.bad : pen.warn;
    g.beginPath();
    g.moveTo(x, y + MARKS);
    g.lineTo(x - 6, y + 5);
    g.lineTo(x + 6, y + 5);
    g.closePath();
    if (f.error) g.fill(); else g.stroke();
    g.fillRect(x - 0.5, y + MARKS, 1, EL2 - 2);
    g.font = "600 11px " + pen.font;
    g.textAlign = x > pen.width - 40 ? "right" : "left";
    g.textBaseline = "middle";
    g.fillText("#" + f.n, x + (x > pen.width - 40 ? -8 : 8), y + 10);
  }
  if (cursor) {
    const x = Math.round(pen.x(cursor.at)) + 0.5;
    g.strokeStyle = pen.ink;
    g.setLineDash([3, 3]);
    g.beginPath();
    g.moveTo(x, 0);
    g.lineTo(x, height - AXIS);
    g.stroke();
    g.setLineDash([]);
  }
}

/* ---- what is under the pointer ---- */

function geometry() {
  const width = plot.clientWidth;
  return { width, perPixel: (view[1] - view[0]) / (width - MARGIN - 1), at: (x) => view[0] + (x - MARGIN) / (width - MARGIN - 1) * (view[1] - view[0]) };
}

function cpuAt(y) {
  for (let k = 0, top = 0; k < cpus.length; k++, top += heights[k])
    if (y < top + heights[k]) return cpus[k];
  return cpus[cpus.length - 1];
}

function nearMark(cpu, at, reach) {
  return data.findings.filter((f) => f.cpu === cpu.number && Math.abs(f.at - at) <= reach);
}

function describeMany(cpu, from, to) {
  const a = countUpTo(cpu.starts, from), b = countUpTo(cpu.starts, to), counts = new Map();
  let passages = 0;
  for (let k = a; k < b; k++) {
    const s = cpu.stretches[k];
    passages += s.passages;
    counts.set(s.reason, (counts.get(s.reason) || 0) + s.passages);
  }
  const list = [...counts].sort((x, y) => y[1] - x[1] || x[0] - y[0]).slice(0, 5)
    .map(([reason, n]) => (reason < 0 ? "running" : data.reasons[reason]) + " " + comma(n));
  return comma(passages) + " entries in " + insns(to - from) + "\n" + list.join(", ");
}

function describe(cpu, at, reach) {
  const lines = ["cpu" + cpu.number + ", instruction " + comma(at)];
  for (const f of nearMark(cpu, at, reach * 6)) lines.push((f.error ? "▼" : "▽") + " #" + f.n + " " + f.text);
  const k = countUpTo(cpu.starts, at) - 1, s = cpu.stretches[k];
  if (countUpTo(cpu.starts, at + reach) - countUpTo(cpu.starts, at - reach) > 3) {
    lines.push(describeMany(cpu, at - reach * 2, at + reach * 2));
  } else if (!s) {
    lines.push("EL2, before any world was entered");
  } else if (s.passages > 1) {
    lines.push(comma(s.passages) + " entries, most of the time " + data.worlds[s.world],
      comma(s.inside) + " of " + comma(s.to - s.from) + " instructions in worlds");
  } else if (at < s.to) {
    lines.push(data.worlds[s.world] + " ran " + insns(s.to - s.from),
      s.reason < 0 ? "and still does" : "and was left for " + data.reasons[s.reason]);
  } else {
    const next = cpu.stretches[k + 1];
    lines.push("EL2, behind " + data.reasons[s.reason] + " of " + data.worlds[s.world],
      insns((next ? next.from : data.end) - s.to) + (next ? ", then " + data.worlds[next.world] : ", to the end"));
  }
  return lines.join("\n");
}

function point(cpu, at, y) {
  const geo = geometry(), x = MARGIN + (at - view[0]) / geo.perPixel;
  cursor = { cpu, at };
  tip.textContent = describe(cpu, at, geo.perPixel);
  tip.hidden = false;
  const room = plot.clientWidth;
  tip.style.left = Math.max(4, Math.min(x + 12, room - tip.offsetWidth - 4)) + "px";
  tip.style.top = y + "px";
  redraw();
}

function unpoint() {
  cursor = null;
  tip.hidden = true;
  redraw();
}

function jump(forward) {
  const cpu = cursor ? cursor.cpu : cpus[0], at = cursor ? cursor.at : view[0];
  const edges = (s) => (s.to > s.from && s.passages === 1 ? [s.from, s.to] : [s.from]);
  let k = Math.max(0, countUpTo(cpu.starts, at) - 1), found;
  for (let n = 0; n < 3 && found === undefined; n++) {
    const s = cpu.stretches[forward ? k + n : k - n];
    if (!s) break;
    const list = edges(s).filter((e) => (forward ? e > at : e < at));
    if (list.length) found = forward ? Math.min(...list) : Math.max(...list);
  }
  if (found === undefined) return;
  if (found < view[0] || found > view[1]) {
    const half = (view[1] - view[0]) / 2;
    show(found - half, found + half);
  }
  point(cpu, found, topOf(cpu.number) + MARKS + EL2 + 6);
}

function nextFinding() {
  if (!data.findings.length) return;
  const sorted = data.findings.slice().sort((a, b) => a.at - b.at);
  const f = sorted.find((one) => !cursor || one.at > cursor.at) || sorted[0];
  goTo(f);
}

function goTo(f) {
  const half = Math.min(2000, (view[1] - view[0]) / 2), cpu = cpus.find((one) => one.number === f.cpu);
  show(f.at - half, f.at + half);
  if (cpu) point(cpu, f.at, topOf(f.cpu) + MARKS + EL2 + 6);
}

/* ---- input ---- */

function listen() {
  let drag = null, pinch = 0;
  const pointers = new Map();
  canvas.addEventListener("wheel", (e) => {
    if (e.offsetX < MARGIN) return;
    e.preventDefault();
    if (e.shiftKey || Math.abs(e.deltaX) > Math.abs(e.deltaY)) pan((e.deltaX || e.deltaY) / 600);
    else zoom(Math.pow(1.0018, e.deltaY), geometry().at(e.offsetX));
  }, { passive: false });
  canvas.addEventListener("pointerdown", (e) => {
    pointers.set(e.pointerId, e.offsetX);
    drag = { x: e.offsetX, view: view.slice() };
    canvas.setPointerCapture(e.pointerId);
  });
  canvas.addEventListener("pointermove", (e) => {
    if (pointers.has(e.pointerId)) pointers.set(e.pointerId, e.offsetX);
    if (pointers.size === 2) {
      const [a, b] = [...pointers.values()], apart = Math.abs(a - b) || 1;
      if (pinch) zoom(pinch / apart, geometry().at((a + b) / 2));
      pinch = apart;
    } else if (drag && Math.abs(e.offsetX - drag.x) > 3) {
      const by = (drag.x - e.offsetX) * (drag.view[1] - drag.view[0]) / (plot.clientWidth - MARGIN - 1);
      unpoint();
      show(drag.view[0] + by, drag.view[1] + by);
    } else if (!drag && e.offsetX >= MARGIN && cpus.length) {
      point(cpuAt(e.offsetY), geometry().at(e.offsetX), Math.min(e.offsetY + 14, height - 30));
    }
  });
  const up = (e) => {
    const tapped = drag && Math.abs(e.offsetX - drag.x) <= 3 && e.offsetX >= MARGIN && cpus.length;
    pointers.delete(e.pointerId);
    drag = null;
    pinch = 0;
    if (e.type !== "pointerup" || !tapped) return;
    const cpu = cpuAt(e.offsetY), at = geometry().at(e.offsetX), [mark] = nearMark(cpu, at, geometry().perPixel * 6);
    point(cpu, at, Math.min(e.offsetY + 14, height - 30));
    if (mark && e.offsetY < topOf(cpu.number) + MARKS) location.hash = "#f" + mark.n;
  };
  canvas.addEventListener("pointerup", up);
  canvas.addEventListener("pointercancel", up);
  canvas.addEventListener("pointerleave", () => { if (!drag) unpoint(); });
  canvas.addEventListener("dblclick", (e) => zoom(0.3, geometry().at(e.offsetX)));
  canvas.addEventListener("keydown", (e) => {
    const keys = {
      "+": () => zoom(0.5, cursor ? cursor.at : undefined), "=": () => zoom(0.5, cursor ? cursor.at : undefined),
      "-": () => zoom(2, cursor ? cursor.at : undefined), "0": () => show(...all),
      ArrowLeft: () => pan(-0.15), ArrowRight: () => pan(0.15), PageUp: () => pan(-0.9), PageDown: () => pan(0.9),
      Home: () => show(all[0], all[0] + view[1] - view[0]), End: () => show(all[1] - view[1] + view[0], all[1]),
      n: () => jump(true), p: () => jump(false), f: nextFinding, Escape: unpoint,
    };
    const act = !e.ctrlKey && !e.metaKey && !e.altKey && cpus.length && keys[e.key.length === 1 ? e.key.toLowerCase() : e.key];
    if (!act) return;
    e.preventDefault();
    act();
  });
}

/* "#t=FROM,TO" or "#t=FROM,TO,CPU,AT": a range, and a place that is pointed at. */
function fromHash() {
  const [, text] = /^#t=([\d,]+)$/.exec(location.hash) || [];
  if (!text) return;
  const [from, to, number, at] = text.split(",").map(Number);
  if (!(to > from)) return;
  show(from, to, true);
  document.getElementById("timeline").scrollIntoView();
  const cpu = cpus.find((one) => one.number === number);
  if (cpu && at >= 0) point(cpu, at, topOf(number) + MARKS + EL2 + 6);
}

function button(text, label, act) {
  const b = element("button", { type: "button", "aria-label": label, title: label }, text);
  b.addEventListener("click", act);
  tools.append(b);
}

function addLegend() {
  ranked.slice(0, PALETTE).forEach((reason) => addSwatch(data.reasons[reason], colourOf(reason)));
  if (ranked.length > PALETTE) addSwatch("others", "--rest");
  addSwatch("a world runs", "--world");
  if (data.findings.length) legend.append(element("li", {}, "▼ finding"));
}

function addSwatch(text, colour) {
  const item = element("li"), swatch = element("span", { class: "swatch" });
  swatch.style.background = "var(" + colour + ")";
  item.append(swatch, text);
  legend.append(item);
}

function begin() {
  if (!cpus.some((cpu) => cpu.stretches.length)) {
    place.append(element("p", { class: "none" }, "No world was entered."));
    return;
  }
  button("+", "Zoom in", () => zoom(0.5));
  button("−", "Zoom out", () => zoom(2));
  button("←", "Earlier", () => pan(-0.4));
  button("→", "Later", () => pan(0.4));
  button("All", "Show all", () => show(...all));
  if (data.findings.length) button("Next finding", "Go to the next finding", nextFinding);
  tools.append(range);
  plot.append(canvas, tip);
  addLegend();
  place.append(tools, plot, legend, element("p", { class: "help" },
    "Wheel or + and − zoom, drag or arrow keys move, N and P go from switch to switch, F to the next finding, 0 shows all. "
    + "The axis counts instructions of all CPUs."));
  listen();
  for (const f of data.findings) {
    const self = document.querySelector("#f" + f.n + " .when");
    if (!self) continue;
    const link = element("a", { href: "#t=" + Math.max(0, f.at - 2000) + "," + (f.at + 2000) + "," + f.cpu + "," + f.at }, "timeline");
    self.append(" · ", link);
  }
  window.addEventListener("hashchange", fromHash);
  new ResizeObserver(redraw).observe(plot);
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  window.addEventListener("beforeprint", draw);
  draw();
  fromHash();
}

begin();
