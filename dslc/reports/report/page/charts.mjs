// Memory over the run, the roofline, and signal and gradients over depth, as pictures.

import { drawn } from "./dom.mjs";
import { bytesText, digits, secondsText, short } from "./format.mjs";

const [WIDTH, HEIGHT, LEFT, BOTTOM] = [560, 240, 58, 34];

function axes(title) {
  return drawn("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": title, class: "chart" });
}

function text(x, y, words, anchor = "start", more = "") {
  return drawn("text", { x, y, "text-anchor": anchor, class: `tick ${more}` }, words);
}

// A rectangle for each buffer: how long it lives, and where it lies in one piece of memory. `most`: the bytes at the top.
export function memoryChart(at, rowOf, chosen, choose, most = at.memory.arena) {
  const { memory } = at;
  const places = Math.max(memory.live.length, 1);
  const x = (place) => LEFT + (place / places) * (WIDTH - LEFT - 8);
  const y = (bytes) => HEIGHT - BOTTOM - (bytes / (most || 1)) * (HEIGHT - BOTTOM - 20);
  const where = memory.peakAt >= 0 ? rowOf(memory.runs[memory.peakAt])?.path : "";
  const words = `${bytesText(memory.peak)} live at once at most${where ? `, at ${where}` : ""}; one arena has ${bytesText(memory.arena)}`;
  const chart = axes(`memory over the run: ${words}`);
  for (const buffer of memory.buffers) {
    if (!buffer.bytes) continue;
    const row = rowOf(buffer.number);
    const name = buffer.name ?? row?.path ?? "";
    const own = chosen && row && (row === chosen || isIn(row, chosen, at.tree));
    chart.append(
      drawn("rect", {
        x: x(buffer.first), width: Math.max(x(buffer.last + 1) - x(buffer.first), 0.7), y: y(buffer.offset + buffer.bytes),
        height: Math.max(y(buffer.offset) - y(buffer.offset + buffer.bytes), 0.7), class: `buffer ${buffer.holds}${own ? " own" : ""}`,
        onclick: row ? () => choose(row) : undefined,
      }, drawn("title", {}, `${name}: ${bytesText(buffer.bytes)}, ${buffer.holds}, steps ${buffer.first + 1} to ${buffer.last + 1}`)),
    );
  }
  if (memory.peakAt >= 0) {
    const middle = (x(memory.peakAt) + x(memory.peakAt + 1)) / 2;
    const right = middle > WIDTH * 0.6;
    chart.append(drawn("path", { d: `M${middle} 14V${HEIGHT - BOTTOM}`, class: "mark" }));
    chart.append(text(middle + (right ? -4 : 4), 12, `peak ${bytesText(memory.peak)}`, right ? "end" : "start"));
  }
  chart.append(text(LEFT - 6, HEIGHT - BOTTOM, "0", "end"), text(LEFT - 6, 26, bytesText(most), "end"));
  chart.append(text(LEFT, HEIGHT - 14, "first layer"), text(WIDTH - 8, HEIGHT - 14, `step ${places}`, "end"));
  return [words, chart];
}

function isIn(row, part, tree) {
  for (let id = row.parent; id >= 0; id = tree.rows[id].parent) if (id === part.id) return true;
  return false;
}

// A dot for each step: operations for each byte moved, and operations a second that this allows.
export function rooflineChart(at, device, dtype, chosen, choose) {
  const { roofline: found, tree } = at;
  const dots = [...found.steps].filter(([, step]) => step.flops && step.bytes);
  const intensities = dots.map(([, step]) => step.flops / step.bytes);
  const low = Math.log10(Math.min(found.ridge / 10, ...intensities));
  const high = Math.log10(Math.max(found.ridge * 10, ...intensities));
  const x = (value) => LEFT + ((Math.log10(value) - low) / (high - low)) * (WIDTH - LEFT - 12);
  const rate = (intensity) => Math.min(found.peak, intensity * device.bandwidth);
  const [bottom, top] = [Math.log10(rate(10 ** low)), Math.log10(found.peak)];
  const y = (value) => HEIGHT - BOTTOM - ((Math.log10(value) - bottom) / (top - bottom || 1)) * (HEIGHT - BOTTOM - 20);
  const least = at.roofline.seconds;
  const memoryBound = [...found.steps.values()].filter((step) => step.bound === "memory").reduce((sum, step) => sum + step.seconds, 0);
  const words = `at least ${secondsText(least)} on ${device.title}, ${dtype}; ${least ? digits((100 * memoryBound) / least) : 0} % of it bound by memory`;
  const chart = axes(`roofline: ${words}`);
  chart.append(drawn("path", { d: `M${x(10 ** low)} ${y(rate(10 ** low))}L${x(found.ridge)} ${y(found.peak)}H${WIDTH - 12}`, class: "roof" }));
  for (const [number, step] of dots) {
    const row = tree.rowOfStep.get(number);
    if (!row) continue;
    const intensity = step.flops / step.bytes;
    const radius = 2.5 + 9 * Math.sqrt(step.seconds / (least || 1));
    const own = chosen && (row === chosen || isIn(row, chosen, tree));
    chart.append(
      drawn("circle", { cx: x(intensity), cy: y(Math.max(rate(intensity), 10 ** bottom)), r: radius, class: `dot ${step.bound}${own ? " own" : ""}`, onclick: () => choose(row) },
        drawn("title", {}, `${row.path}: ${short(step.flops)} FLOPs, ${bytesText(step.bytes)}, ${secondsText(step.seconds)}, bound by ${step.bound}`)),
    );
  }
  chart.append(text(LEFT - 6, y(found.peak) + 4, `${short(found.peak, 1)}FLOP/s`, "start", "over"));
  chart.append(text(x(found.ridge), HEIGHT - 14, `ridge ${digits(found.ridge)} FLOPs a byte`, "middle"));
  return [words, chart];
}

// RMS of values and of gradients over depth, on a scale of powers of ten.
export function signalChart(net, tree, chosen, choose) {
  const layers = net.signal.layers.filter(([, rms]) => rms);
  const chart = axes(`values and gradients over depth: ${net.signal.words}`);
  const logs = layers.flatMap(([, rms, gradient]) => [rms, gradient]).filter((v) => v > 0).map(Math.log10);
  if (!logs.length) return ["", chart];
  const [low, high] = [Math.floor(Math.min(...logs)), Math.ceil(Math.max(...logs, Math.min(...logs) + 1))];
  const x = (i) => LEFT + ((i + 0.5) / layers.length) * (WIDTH - LEFT - 12);
  const y = (value) => HEIGHT - BOTTOM - ((Math.log10(value) - low) / (high - low)) * (HEIGHT - BOTTOM - 20);
  const every = Math.max(1, Math.ceil((high - low) / 6));
  for (let power = low; power <= high; power += every) {
    chart.append(drawn("path", { d: `M${LEFT} ${y(10 ** power)}H${WIDTH - 12}`, class: "grid" }));
    chart.append(text(LEFT - 6, y(10 ** power) + 4, `1e${power}`, "end"));
  }
  for (const [at, name] of [[1, "values"], [2, "gradients"]]) {
    const points = layers.flatMap((layer, i) => (layer[at] > 0 ? [`${x(i).toFixed(1)} ${y(layer[at]).toFixed(1)}`] : []));
    if (points.length) chart.append(drawn("path", { d: `M${points.join("L")}`, class: `series ${name}` }));
    chart.append(drawn("path", { d: `M${WIDTH - 310 + 100 * at} 10h18`, class: `series ${name}` }), text(WIDTH - 288 + 100 * at, 14, name));
  }
  layers.forEach(([id, rms, gradient], i) => {
    const row = tree.rows[id];
    const own = chosen && (row === chosen || isIn(row, chosen, tree));
    const words = `${row.path}: values ${digits(rms)}${gradient ? `, gradient ${digits(gradient)}` : ""}`;
    chart.append(drawn("circle", { cx: x(i), cy: y(rms), r: own ? 4 : 2, class: `point${own ? " own" : ""}`, onclick: () => choose(row) }, drawn("title", {}, words)));
  });
  chart.append(text(LEFT, HEIGHT - 14, "first layer"), text(WIDTH - 12, HEIGHT - 14, "last layer", "end"));
  return [`verdicts: ${net.signal.words}`, chart];
}
