// What one unit of a layer sees of an input: a picture of the input with the places that are read.

import { element } from "./dom.mjs";

const LARGEST = 240;

// The places that the unit in the middle reads along one axis: [first, bits], cut to the input's `length`.
export function placesRead(record, length) {
  if (record.status === "global") return { first: 0, bits: new Array(length).fill(true) };
  const known = record.first !== undefined;
  const size = known ? (record.count ?? record.mask.length * 4) : Math.max(1, Math.round(value(record.size)));
  const low = known ? record.first : Math.round(value(record.low));
  const step = Math.max(1, Math.round(value(record.stride)));
  const unit = Math.round(((length - size) / 2 - low) / step);
  const start = low + unit * step;
  const bits = new Array(length).fill(false);
  for (let i = 0; i < size; i += 1) {
    if (start + i >= 0 && start + i < length && (!record.mask || bit(record.mask, i))) bits[start + i] = true;
  }
  return { first: start, bits };
}

// Bit i of a number in hexadecimal digits, the lowest last.
function bit(mask, i) {
  const digit = mask.at(-1 - (i >> 2));
  return digit !== undefined && Boolean((parseInt(digit, 16) >> (i & 3)) & 1);
}

// `7/2` or `3` as a number.
export function value(text) {
  const [num, den] = text.split("/");
  return Number(num) / Number(den ?? 1);
}

// A picture for each input that the layer sees, and what is to be said of it.
export function fieldPictures(net, at, row) {
  const inputs = new Map();
  for (const record of row.field ?? []) inputs.set(record.input, [...(inputs.get(record.input) ?? []), record]);
  return [...inputs].map(([input, records]) => {
    const [name, number] = net.inputs[input];
    const shape = net.values[number][1].map((dim) => at.sizes.size(dim));
    const two = records.length >= 2 ? records.slice(-2) : records;
    const sizes = two.map((record) => shape[record.axis]);
    const words = records.map((record) => `${axisName(net, number, record.axis)} ${record.status === "global" ? `all, ${record.size} by local paths` : record.size}, stride ${record.stride}, ${record.status}`);
    return element("figure", {}, picture(two, sizes, `${name}: ${words.join("; ")}`), element("figcaption", {}, `${name}: ${words.join("; ")}`));
  });
}

function axisName(net, number, axis) {
  const dim = net.values[number][1][axis];
  return dim < 0 && net.texts[-1 - dim] ? net.texts[-1 - dim] : `axis ${axis}`;
}

function picture(records, sizes, label) {
  const reads = records.map((record, i) => placesRead(record, sizes[i]).bits);
  const [rows, columns] = reads.length === 2 ? reads : [[true], reads[0]];
  const scale = Math.max(1, Math.floor(LARGEST / Math.max(columns.length, rows.length)));
  const fit = Math.max(1, Math.ceil(Math.max(columns.length, rows.length) / (2 * LARGEST)));
  const canvas = element("canvas", { role: "img", "aria-label": label, class: "field" });
  canvas.width = Math.ceil(columns.length / fit) * scale;
  canvas.height = reads.length === 2 ? Math.ceil(rows.length / fit) * scale : 18;
  const pen = canvas.getContext("2d");
  pen.fillStyle = "#dde3ea";
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.fillStyle = "#c2410c";
  const height = reads.length === 2 ? scale : canvas.height;
  const across = runs(columns);
  runs(rows).forEach(([top, end]) => {
    for (const [left, right] of across) {
      pen.fillRect((left / fit) * scale, (top / fit) * height, ((right - left) / fit) * scale, ((end - top) / fit) * height);
    }
  });
  return canvas;
}

function runs(bits) {
  const found = [];
  bits.forEach((on, i) => {
    if (!on) return;
    if (found.length && found.at(-1)[1] === i) found.at(-1)[1] = i + 1;
    else found.push([i, i + 1]);
  });
  return found;
}
