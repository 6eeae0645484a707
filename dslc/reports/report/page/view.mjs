// One network as it is looked at: the sizes that are chosen, its numbers at them, what is open, what heat shows.

import { isAllowed } from "./controls.mjs";
import { amount, shapeText } from "./format.mjs";
import { At, Tree } from "./network.mjs";
import { Scopes } from "./scopes.mjs";

export const HEATS = [["", "no heat"], ["params", "params"], ["macs", "MACs"], ["memory", "memory"], ["saved", "saved"], ["time", "time"], ["gradient", "gradient"]];
const FIRST_BOXES = 48; // boxes that are open at the beginning, about
const [COLD, HOT] = [[255, 247, 237], [244, 162, 97]];

export class View {
  constructor(net) {
    this.net = net;
    this.sizes = Object.fromEntries(net.sizes.map((size) => [size.name, size.value]));
    this.first = { ...this.sizes };
    this.defaults = net.sizes.filter((size) => !size.batch).map((size) => `${size.name} = ${size.value}`).join(", ");
    this.hot = new Map();
  }

  take(sizes) {
    for (const size of this.net.sizes) {
      if (size.batch ? sizes[size.name] : isAllowed(size, sizes[size.name])) this.sizes[size.name] = sizes[size.name];
    }
  }

  // What takes time is made when the network is first looked at. `first(row)`: whether a part is one to open.
  start(first = () => true) {
    if (this.tree) return;
    this.tree = new Tree(this.net);
    this.scopes = new Scopes(this.tree);
    this.open = new Set();
    let count = this.tree.roots.length;
    const level = [...this.tree.roots];
    for (const row of level) {
      if (row.leaf || row.times || !first(row) || count + row.children.length > FIRST_BOXES) continue;
      this.open.add(row.id);
      count += row.children.length;
      level.push(...row.children);
    }
  }

  openAll(all) {
    this.open.clear();
    if (all) for (const row of this.tree.rows) if (!row.leaf) this.open.add(row.id);
  }

  // Opens the parts around a row, and says whether one was closed.
  reveal(row) {
    const closed = this.tree.around(row).filter((part) => !this.open.has(part.id));
    for (const part of closed) this.open.add(part.id);
    return closed.length > 0;
  }

  // The box that a row stands in with parts equal to it, or the row itself.
  folded(row) {
    const around = row && row.parent >= 0 ? this.tree.rows[row.parent] : null;
    return around?.times ? around : row;
  }

  // The rows whose name, op or shape has some words in it.
  search(text) {
    const words = text.trim().toLowerCase();
    if (!words) return [];
    const texts = (row) => [row.path, row.title, row.op, ...(row.outs ?? []).map((out) => shapeText(this.at.shape(out)))];
    return [...this.tree.inOrder()].filter((row) => texts(row).some((each) => each.toLowerCase().includes(words)));
  }

  // All numbers, at the sizes that are chosen, on a device.
  compute(device, dtype) {
    this.at = new At(this.tree, this.sizes, device, dtype);
    this.at.changed = this.net.sizes.some((size) => !size.batch && this.sizes[size.name] !== this.first[size.name]);
  }

  // ---- what the picture asks for

  shape = (value) => this.shapeOf(this.net.values[value]);

  shapeOf = (out) => this.at.shape(out).join("×");

  // The number of every row that heat shows, and the least and greatest of layers.
  heats(heat) {
    this.heat = heat;
    this.hot.clear();
    if (!heat) return [];
    const signal = new Map(this.net.signal.layers.map(([id, , gradient]) => [id, gradient]));
    for (const row of this.tree.rows) this.hot.set(row.id, heat === "gradient" ? (signal.get(row.id) ?? 0) : this.at.number(heat, row));
    return this.tree.rows.filter((row) => row.leaf).map((row) => this.hot.get(row.id)).filter((n) => n > 0);
  }

  note = (row) => {
    const number = this.hot.get(row.id);
    if (!number) return "";
    if (this.heat === "gradient") return number.toPrecision(2);
    return amount(number, this.at.metrics.find((metric) => metric.key === this.heat).unit);
  };

  // A colour by a number's part of the greatest one; of gradients by its place among powers of ten.
  tint = (row) => {
    const number = this.hot.get(row.id);
    if (!number) return "";
    const [low, high] = this.range;
    const share = this.heat === "gradient" ? Math.log(number / low) / (Math.log(high / low) || 1) : Math.min(1, number / high);
    return `rgb(${COLD.map((cold, i) => Math.round(cold + (HOT[i] - cold) * share)).join(" ")})`;
  };

  // What stands at a box beside its words: a class, and a sign.
  mark = () => ["", ""];
}

// Heat of several networks by one scale.
export function heat(views, name) {
  const numbers = views.flatMap((view) => view.heats(name));
  const range = [Math.min(...numbers), Math.max(...numbers)];
  for (const view of views) view.range = range;
}
