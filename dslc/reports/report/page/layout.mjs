// Sizes and places of all boxes of a network whose parts are open or closed.

import { textWidth } from "./dom.mjs";
import { SPACE, place, spot } from "./layered.mjs";

export const TITLE = 12;
export const NOTE = 10;
export const HEAD = 24;
export const PAD = 12;
const LONGEST = 34;

const cut = (text) => (text.length <= LONGEST ? text : `${text.slice(0, LONGEST - 1)}…`);

// The boxes and lines of one part (-1: the network), and of the open parts in it.
export class Layout {
  constructor(view) {
    const { scopes, tree, open, shape, note, mark } = view;
    Object.assign(this, { scopes, tree, open, shape, note, mark });
  }

  of(id) {
    const lines = [...(this.scopes.lines.get(id) ?? new Map()).values()];
    const spots = new Map();
    const used = new Set(lines.flatMap((line) => [line.source, line.target]));
    const add = (key, box) => spots.set(key, Object.assign(box, { key }));
    for (const key of used) if (String(key).startsWith("in ")) add(key, this.port(id, key));
    for (const row of this.tree.childrenOf(id)) if (used.has(row.id)) add(row.id, this.box(row));
    for (const key of used) if (/^(out|result) /.test(key)) add(key, this.port(id, key));
    const slots = new Map();
    const made = lines.map(({ source, value, target }) => {
      const slot = slots.get(source) ?? new Map();
      slots.set(source, slot.set(value, slot.get(value) ?? slot.size));
      return { source: spots.get(source), slot: value, at: slot.get(value), target: spots.get(target), value };
    });
    this.label(made);
    const boxes = [...spots.values()];
    const last = boxes.filter((box) => box.port === "out");
    const gap = (row) => (row.some((each) => each.label || each.below.length > 1) ? 34 : 18);
    const size = place(boxes, made, gap, last);
    return { id, boxes, lines: made, ...size };
  }

  // Where a line comes into a part or leaves it; of the network itself a box with a name.
  port(id, key) {
    const [kind, number] = key.split(" ");
    const port = kind === "in" ? "in" : "out";
    if (id >= 0) return spot({ port, left: SPACE / 4, right: SPACE / 4, fed: port === "in" });
    const names = kind === "in" ? this.tree.net.inputs.find(([, value]) => value === Number(number)) : this.tree.net.outputs[number];
    const value = kind === "in" ? Number(number) : names[1];
    const title = names[0] ?? (kind === "in" ? "it" : "result");
    const box = { port, title, notes: [this.shape(value)], family: "input", fed: port === "in", end: true };
    return this.sized(spot(box));
  }

  box(row) {
    const faded = row.needed === "training";
    const sign = this.mark(row)[1];
    const signed = (title) => (sign ? `${sign} ${title}` : title);
    if (!row.leaf && this.open.has(row.id)) {
      const inner = this.of(row.id);
      const title = signed(row.name === row.title ? row.name : `${row.name}: ${row.title}`);
      const width = Math.max(inner.width + 2 * PAD, textWidth(title, NOTE + 1) + 44);
      const ports = inner.boxes.filter((each) => each.port);
      const main = ports.find((each) => each.port === "in") ?? ports[0];
      const left = (width - inner.width) / 2 + (main ? main.x : inner.width / 2);
      const height = inner.height + HEAD + PAD;
      return spot({ row_: row, inner, title, width, height, left, before: left, right: width - left, faded, family: "open" });
    }
    const notes = [row.part || row.n?.some((n) => n > 0) ? row.name : "", this.note(row)].filter((text) => text);
    return this.sized(spot({ row_: row, title: signed(cut(row.title)), notes: notes.map(cut), family: row.family, faded }));
  }

  sized(box) {
    const button = box.row_ && !box.row_.leaf ? 18 : 0;
    box.width = Math.max(textWidth(box.title, TITLE, 600) + 18 + button, ...box.notes.map((note) => textWidth(note, NOTE) + 18), 36);
    box.height = 24 + 13 * box.notes.length;
    box.before = box.left = box.right = box.width / 2;
    return box;
  }

  // A shape is written below a box where it is another one than that of what the box reads.
  label(lines) {
    const into = new Map();
    for (const line of lines) into.set(line.target, [...(into.get(line.target) ?? []), line]);
    for (const line of lines) {
      const box = line.source;
      if (!box.row_ || box.label !== undefined) continue;
      const shapes = [...new Set(lines.filter((each) => each.source === box).map((each) => this.shape(each.value)))];
      const before = into.get(box)?.[0];
      const same = before && shapes.length === 1 && this.shape(before.value) === shapes[0];
      box.label = same ? "" : shapes.slice(0, 2).join("  ") + (shapes.length > 2 ? " …" : "");
      if (box.label) box.right = Math.max(box.right, textWidth(box.label, NOTE) + 10);
    }
  }
}
