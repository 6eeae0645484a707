// The picture of the network: draws a layout, and answers the pointer and the keyboard.

import { drawn } from "./dom.mjs";
import { HEAD, Layout } from "./layout.mjs";

const MARGIN = 16;

export class Graph {
  // `chosen(row)` is called for a click, `toggled(row)` for one that opens or closes a part. `view` is set before it is
  // drawn, to the network that it shows.
  constructor(svg, chosen, toggled) {
    Object.assign(this, { svg, chosen, toggled, view: null });
    this.boxes = new Map();
    this.zoom = { x: 0, y: 0, k: 1 };
    this.selected = null;
    this.listen();
  }

  // Lays all out anew and draws it; what was at the top left stays there, if it is still drawn.
  draw() {
    const layout = new Layout(this.view).of(-1);
    this.size = { width: layout.width + 2 * MARGIN, height: layout.height + 2 * MARGIN };
    this.boxes.clear();
    this.frames = drawn("g", { class: "frames" });
    this.lines = drawn("g", { class: "lines", "aria-hidden": "true" });
    this.front = drawn("g", { class: "boxes" });
    this.layer(layout, MARGIN, MARGIN);
    this.world = drawn("g", {}, this.frames, this.lines, this.front);
    this.svg.replaceChildren(this.world);
    this.select(this.selected, false);
    this.moved();
  }

  // The boxes and lines of one part, whose corner is at (x, y). Frames lie under all lines, their heads stand among the
  // boxes in the order of the program, in which the keyboard goes through them.
  layer(layout, x, y) {
    for (const box of layout.boxes) this.box(box, x, y);
    const arriving = new Map();
    for (const line of layout.lines) {
      const list = arriving.get(line.target) ?? [];
      arriving.set(line.target, list);
      list.push(line);
    }
    for (const list of arriving.values()) list.sort((a, b) => from(a) - from(b));
    for (const line of layout.lines) this.line(line, arriving.get(line.target), x, y);
  }

  box(box, x, y) {
    if (box.port && !box.end) return;
    const [left, top] = [x + box.x - box.before, y + box.y];
    if (box.inner) {
      this.frame(box, left, top);
      this.layer(box.inner, left + (box.width - box.inner.width) / 2, top + HEAD);
      return;
    }
    const row = box.row_;
    const tint = row ? this.view.tint(row) : "";
    const [mark] = row ? this.view.mark(row) : [""];
    const group = drawn(
      "g",
      { class: `box f-${box.family} ${mark}${box.faded ? " faded" : ""}`, transform: `translate(${left} ${top})` },
      drawn("rect", { width: box.width, height: box.height, rx: box.end ? box.height / 2 : 4 }),
      drawn("text", { x: (box.width - (row && !row.leaf ? 16 : 0)) / 2, y: 16, class: "title" }, box.title),
      box.notes.map((note, i) => drawn("text", { x: box.width / 2, y: 30 + 13 * i, class: "note" }, note)),
    );
    if (tint) group.querySelector("rect").style.fill = tint;
    if (box.label) group.append(drawn("text", { x: box.width / 2 + 6, y: box.height + 13, class: "shape" }, box.label));
    this.front.append(row ? this.button(group, row, box) : group);
  }

  frame(box, left, top) {
    const row = box.row_;
    const [mark] = this.view.mark(row);
    const at = { class: `box frame ${mark}${box.faded ? " faded" : ""}`, transform: `translate(${left} ${top})` };
    const frame = drawn("g", { ...at, "data-row": row.id }, drawn("rect", { width: box.width, height: box.height, rx: 6 }));
    this.frames.append(frame);
    const head = drawn("g", at, drawn("rect", { width: box.width, height: HEAD - 4, rx: 6, class: "head" }), drawn("text", { x: 10, y: 14, class: "part" }, box.title));
    this.front.append(this.button(head, row, box));
    this.boxes.set(row.id, [head, frame]);
    if (box.label) {
      this.front.append(drawn("text", { x: left + box.before + 6, y: top + box.height + 13, class: "shape" }, box.label));
    }
  }

  // A box that can be clicked and reached by the keyboard; a part has a sign that opens or closes it.
  button(group, row, box) {
    const shape = row.outs?.[0] ? this.view.shapeOf(row.outs[0]) : "";
    group.prepend(drawn("title", {}, `${row.path}: ${row.title}${shape ? `, output ${shape}` : ""}`));
    group.setAttribute("role", "button");
    group.setAttribute("tabindex", "0");
    group.setAttribute("data-row", row.id);
    if (!row.leaf) {
      group.setAttribute("aria-expanded", String(Boolean(box.inner)));
      const x = box.width - 16;
      group.append(
        drawn("g", { class: "sign", "data-sign": "" }, drawn("rect", { x, y: 3, width: 13, height: 13, rx: 2 }),
          drawn("path", { d: `M${x + 3} 9.5h7${box.inner ? "" : `M${x + 6.5} 6v7`}` })),
      );
    }
    this.boxes.set(row.id, [group]);
    return group;
  }

  line(line, list, x, y) {
    const points = [];
    const { source, target } = line;
    let start = source.x;
    if (source.inner) start = port(source, `out ${line.value}`);
    else if (!source.port) start = spread(source, line.at, source.outs);
    points.push([x + start, y + source.y + source.height], [x + start, y + source.bottom]);
    for (const bend of line.trunk) points.push([x + bend.x, y + bend.y], [x + bend.x, y + bend.y + bend.height]);
    let end = target.x;
    if (target.inner) end = port(target, `in ${line.value}`);
    else if (!target.port && list.length > 1) end += ((list.indexOf(line) + 0.5) / list.length - 0.5) * target.width * 0.6;
    points.push([x + end, y + target.top], [x + end, y + target.y]);
    let d = `M${points[0].map(one).join(" ")}`;
    for (let i = 1; i < points.length; i += 1) {
      if (points[i].every((at, axis) => Math.abs(at - points[i - 1][axis]) < 0.5)) continue;
      const [[x0, y0], [x1, y1]] = [points[i - 1], points[i]];
      const middle = one((y0 + y1) / 2);
      d += Math.abs(x0 - x1) < 0.5 ? `L${one(x1)} ${one(y1)}` : `C${one(x0)} ${middle} ${one(x1)} ${middle} ${one(x1)} ${one(y1)}`;
    }
    const arrow = !(target.port && !target.end) && !target.inner;
    this.lines.append(drawn("path", { d, class: source.faded || target.faded ? "faded" : undefined, "marker-end": arrow ? "url(#arrow)" : undefined }));
  }

  // ---- choosing

  select(row, look = true) {
    for (const [id, groups] of this.boxes) groups.at(-1).classList.toggle("chosen", row !== null && id === row.id);
    this.selected = row;
    if (look && row && this.boxes.has(row.id)) this.show(this.boxes.get(row.id)[0]);
  }

  toggle(row) {
    const before = this.boxes.get(row.id)?.[0].getBoundingClientRect();
    if (this.view.open.has(row.id)) this.view.open.delete(row.id);
    else this.view.open.add(row.id);
    this.draw();
    const after = this.boxes.get(row.id)?.[0].getBoundingClientRect();
    if (before && after) this.move(before.left - after.left, before.top - after.top);
    this.boxes.get(row.id)?.[0].focus({ preventScroll: true });
  }

  // On paper all of it is shown, as large as the sheet is wide; else the part that is looked at.
  printed(now) {
    const { width, height } = this.size;
    if (now) {
      this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
      this.svg.style.width = `min(100%, ${Math.ceil(width)}px)`;
      this.svg.style.height = "auto";
      this.world.removeAttribute("transform");
    } else {
      this.svg.removeAttribute("viewBox");
      this.svg.removeAttribute("style");
      this.moved();
    }
  }

  // ---- looking

  // The part of the window that shows the picture.
  frameSize() {
    return this.svg.getBoundingClientRect();
  }

  fit() {
    const frame = this.frameSize();
    const k = Math.min(1, Math.max(frame.width / this.size.width, 0.05));
    this.zoom = { k, x: (frame.width - this.size.width * k) / 2, y: 0 };
    this.moved();
  }

  whole() {
    const frame = this.frameSize();
    const k = Math.min(1, frame.width / this.size.width, frame.height / this.size.height);
    this.zoom = { k, x: (frame.width - this.size.width * k) / 2, y: (frame.height - this.size.height * k) / 2 };
    this.moved();
  }

  move(x, y) {
    this.zoom.x += x;
    this.zoom.y += y;
    this.moved();
  }

  // Make it larger by a factor; the place (x, y) of the window stays where it is.
  scale(factor, x = this.frameSize().width / 2, y = this.frameSize().height / 2) {
    const k = Math.min(4, Math.max(0.04, this.zoom.k * factor));
    const by = k / this.zoom.k;
    this.zoom = { k, x: x - (x - this.zoom.x) * by, y: y - (y - this.zoom.y) * by };
    this.moved();
  }

  show(group) {
    const frame = this.frameSize();
    const box = group.getBoundingClientRect();
    const inside = box.left >= frame.left && box.top >= frame.top && box.right <= frame.right && box.bottom <= frame.bottom;
    if (inside) return;
    this.move(frame.left + frame.width / 2 - (box.left + box.right) / 2, frame.top + frame.height / 3 - Math.min(box.top, (box.top + box.bottom) / 2));
  }

  moved() {
    const { x, y, k } = this.zoom;
    this.world.setAttribute("transform", `translate(${one(x)} ${one(y)}) scale(${k.toFixed(4)})`);
    this.svg.setAttribute("data-scale", k.toFixed(3));
  }

  listen() {
    let drag = null;
    this.svg.addEventListener("pointerdown", (event) => {
      drag = { x: event.clientX, y: event.clientY, far: false };
    });
    window.addEventListener("pointermove", (event) => {
      if (!drag || !event.buttons) return;
      const [x, y] = [event.clientX - drag.x, event.clientY - drag.y];
      if (!drag.far && Math.abs(x) + Math.abs(y) < 4) return;
      drag = { x: event.clientX, y: event.clientY, far: true };
      this.move(x, y);
    });
    this.svg.addEventListener("click", (event) => {
      const far = drag?.far;
      drag = null;
      const group = event.target.closest("[data-row]");
      if (far || !group) return;
      const row = this.view.tree.rows[group.dataset.row];
      if (event.target.closest("[data-sign]")) this.toggled(row);
      else this.chosen(row);
    });
    this.svg.addEventListener("dblclick", (event) => {
      const group = event.target.closest("[data-row]");
      const row = group && this.view.tree.rows[group.dataset.row];
      if (row && !row.leaf) this.toggled(row);
    });
    this.svg.addEventListener("wheel", (event) => {
      event.preventDefault();
      const frame = this.frameSize();
      if (event.ctrlKey || event.metaKey) this.scale(Math.exp(-event.deltaY / 200), event.clientX - frame.left, event.clientY - frame.top);
      else this.move(-event.deltaX, -event.deltaY);
    }, { passive: false });
    this.svg.addEventListener("keydown", (event) => this.key(event));
    this.svg.addEventListener("focusin", (event) => {
      const group = event.target.closest("[data-row]");
      if (group && group.matches(":focus-visible")) this.show(group);
    });
  }

  key(event) {
    const moves = { ArrowUp: [0, 60], ArrowDown: [0, -60], ArrowLeft: [60, 0], ArrowRight: [-60, 0] };
    const group = event.target.closest("[data-row]");
    const row = group && this.view.tree.rows[group.dataset.row];
    if (row && event.key === "Enter") this.chosen(row);
    else if (row && !row.leaf && event.key === " ") this.toggled(row);
    else if (moves[event.key]) this.move(...moves[event.key]);
    else if (event.key === "+" || event.key === "=") this.scale(1.25);
    else if (event.key === "-") this.scale(0.8);
    else if (event.key === "0") this.whole();
    else return;
    event.preventDefault();
  }
}

const one = (number) => Math.round(number * 10) / 10;

const from = (line) => (line.trunk.at(-1) ?? line.source).x;

// Where a value leaves or enters an open part.
function port(box, key) {
  const inside = box.inner.boxes.find((each) => each.key === key);
  return box.x - box.before + (box.width - box.inner.width) / 2 + (inside ? inside.x : box.inner.width / 2);
}

function spread(box, at, count = 1) {
  return count > 1 ? box.x + ((at + 0.5) / count - 0.5) * box.width * 0.6 : box.x;
}
