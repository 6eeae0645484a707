// The page: which network, at which sizes, on which device, and which layer is looked at.

import { memoryChart, rooflineChart, signalChart } from "./charts.mjs";
import { code, details } from "./details.mjs";
import { byId, element } from "./dom.mjs";
import { amount, grouped, shapeText } from "./format.mjs";
import { Graph } from "./graph.mjs";
import { At, Tree } from "./network.mjs";
import { Scopes } from "./scopes.mjs";
import { isAllowed, pointControls, sizeControls } from "./controls.mjs";
import { layerTable } from "./table.mjs";

const FIRST_BOXES = 48; // boxes that are open at the beginning, about
const HEATS = [["", "no heat"], ["params", "params"], ["macs", "MACs"], ["memory", "memory"], ["saved", "saved"], ["time", "time"], ["gradient", "gradient"]];
const MOST_FOUND = 30;

class Page {
  constructor(doc) {
    this.doc = doc;
    this.groups = together(doc.nets.map((net) => new View(net)));
    this.device = doc.devices[0];
    this.dtype = Object.keys(this.device.peaks)[0];
    this.heat = "";
    this.tell();
    if (!this.groups.length) {
      byId("network").hidden = true;
      return;
    }
    this.controls();
    this.show(0);
  }

  // What is wrong with the program, above all else; warnings and notes of networks stand below.
  tell() {
    const { problems } = this.doc;
    byId("problems").hidden = !problems.length;
    byId("problems").append(element("h2", {}, problems.length === 1 ? "1 mistake" : `${problems.length} mistakes`), ...problems.map((each) => this.problem(each)));
    for (const { name, source, lines } of this.doc.partly) {
      const { path, text } = this.doc.sources[source];
      const wrong = problems.filter((each) => each.span.path === path && each.span.start).map((each) => each.span.start.line);
      byId("problems").append(element("details", { open: true }, element("summary", {}, `what is known of ${name}`), code(path, text, wrong, lines)));
    }
  }

  problem(each, source = this.doc.sources.findIndex((text) => text.path === each.span.path)) {
    const line = each.span.start?.line;
    const place = line ? `${each.span.path}:${line}` : each.span.path;
    const name = each.code ? `${each.severity}[${each.code}]` : each.severity;
    return element("article", { class: `problem ${each.severity}` },
      element("p", {}, element("b", {}, `${name}: `), each.message, element("span", { class: "muted" }, ` ${place}`)),
      [each.label ? [each.label] : [], each.notes, each.help.map((help) => `help: ${help.text}`)].flat(2).map((words) => element("p", { class: "more" }, words)),
      source >= 0 && line ? element("details", {}, element("summary", {}, "in the program"), code(this.doc.sources[source].path, this.doc.sources[source].text, [line])) : null);
  }

  controls() {
    const tabs = byId("nets");
    this.groups.forEach(([view], i) => tabs.append(element("button", { type: "button", role: "tab", id: `net-${i}`, "aria-controls": "network", onclick: () => this.show(i) }, view.net.name)));
    tabs.hidden = this.groups.length < 2;
    tabs.addEventListener("keydown", (event) => {
      const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!by) return;
      this.show((this.number + by + this.groups.length) % this.groups.length);
      byId(`net-${this.number}`).focus();
    });
    this.select("heat", HEATS, (value) => (this.heat = value));
    this.select("device", this.doc.devices.map((device, i) => [i, device.title]), (value) => {
      this.device = this.doc.devices[value];
      this.dtypes();
    });
    this.dtypes();
    byId("dtype").addEventListener("change", () => {
      this.dtype = byId("dtype").value;
      this.refresh();
    });
    window.addEventListener("beforeprint", () => this.view.graph.printed(true));
    window.addEventListener("afterprint", () => this.view.graph.printed(false));
    const on = (id, act) => byId(id).addEventListener("click", act);
    on("larger", () => this.view.graph.scale(1.25));
    on("smaller", () => this.view.graph.scale(0.8));
    on("fit", () => this.view.graph.fit());
    on("whole", () => this.view.graph.whole());
    on("open", () => this.openAll(true));
    on("close", () => this.openAll(false));
    byId("search").addEventListener("input", () => this.search());
    byId("search").addEventListener("keydown", (event) => {
      if (event.key === "Enter") byId("found").querySelector("button")?.click();
      if (event.key === "Escape") {
        byId("search").value = "";
        this.search();
      }
    });
  }

  select(id, choices, act) {
    byId(id).replaceChildren(...choices.map(([value, words]) => element("option", { value }, words)));
    byId(id).addEventListener("change", () => {
      act(byId(id).value);
      this.refresh();
    });
  }

  dtypes() {
    const names = Object.keys(this.device.peaks);
    if (!names.includes(this.dtype)) [this.dtype] = names;
    byId("dtype").replaceChildren(...names.map((name) => element("option", { value: name, selected: name === this.dtype }, name)));
  }

  // ---- which network, and at which sizes

  show(number) {
    this.number = number;
    this.groups.forEach((_, i) => {
      byId(`net-${i}`).setAttribute("aria-selected", String(i === number));
      byId(`net-${i}`).setAttribute("tabindex", i === number ? "0" : "-1");
    });
    const group = this.groups[number];
    const first = group.shown ?? group.find((view) => view.net.base) ?? group[0];
    byId("points").replaceChildren(...pointControls(group, first, (view) => this.look(view)));
    this.look(first);
  }

  // One network of a group: the sizes that were chosen stay, if it takes them.
  look(view) {
    const before = this.view;
    this.view = view;
    this.groups[this.number].shown = view;
    if (before && before.net.name === view.net.name) view.take(before.sizes);
    const { net } = view;
    document.title = `${net.name}: dslc report`;
    byId("name").textContent = net.name;
    byId("doc").textContent = net.doc;
    byId("sizes").replaceChildren(...sizeControls(net, this.view.sizes, (sizes) => {
      this.view.sizes = sizes;
      this.refresh();
    }));
    this.notes();
    byId("found").replaceChildren();
    this.view.start();
    this.view.graph = new Graph(this.view.scopes, this, (row) => this.choose(row));
    this.refresh();
    this.view.graph.fit();
    this.choose(this.view.chosen ?? this.view.tree.roots.find((row) => !row.needed), false);
  }

  notes() {
    const { notes } = this.view.net;
    byId("notes").replaceChildren(...(notes.length ? notes.map((note) => this.problem(note)) : [element("p", {}, "no rule has anything to say")]));
  }

  // All numbers anew, at the sizes and on the device that are chosen.
  refresh() {
    this.at = this.view.at(this.device, this.dtype);
    byId("totals").replaceChildren(...this.totals());
    byId("budgets").replaceChildren(...this.budgets());
    this.heats();
    this.view.graph.draw();
    this.rest();
  }

  // What shows the chosen layer.
  rest() {
    const { at, view } = this;
    const choose = (row) => this.choose(row);
    const rowOf = (step) => view.tree.rowOfStep.get(step);
    this.figure("memory", memoryChart(at, rowOf, view.chosen, choose));
    this.figure("roofline", rooflineChart(at, this.device, this.dtype, view.chosen, choose));
    this.figure("signal", signalChart(view.net, view.tree, view.chosen, choose));
    byId("table").replaceChildren(layerTable(at, view.open, view.chosen, choose, (row) => this.toggle(row)));
    if (view.chosen) byId("details").replaceChildren(...details(this.doc, view.net, at, view.chosen, choose).flat(Infinity).filter((each) => each));
  }

  figure(id, [words, chart]) {
    byId(id).replaceChildren(chart, element("figcaption", {}, words));
  }

  totals() {
    const shown = this.at.totals().filter((total) => total.value);
    return shown.map((total) => element("div", { class: "tile", title: total.doc },
      element("dt", {}, total.title),
      element("dd", {}, element("span", total.value >= 1000 ? { title: grouped(total.value) } : {}, `${total.gap ? "≥ " : ""}${amount(total.value, total.unit)}`),
        total.fixed && this.at.changed ? element("span", { class: "muted" }, ` at ${this.view.defaults}`) : "")));
  }

  budgets() {
    const known = new Map(this.at.totals().map((total) => [total.name, total]));
    const holds = { "<": (a, b) => a < b, "<=": (a, b) => a <= b, ">": (a, b) => a > b, ">=": (a, b) => a >= b, "==": (a, b) => a === b, "!=": (a, b) => a !== b };
    return this.view.net.budgets.map(([name, op, limit, text]) => {
      const total = known.get(name);
      const kept = total && holds[op](total.value, limit);
      const share = total && limit ? total.value / limit : 0;
      return element("li", { class: kept ? "kept" : "broken" }, `${text}: ${total ? `${amount(total.value, total.unit)}, ${kept ? "kept" : "not kept"}, ${Math.round(share * 100)} % of the limit` : "not known"} `,
        element("meter", { min: 0, max: 1.5, high: 1, optimum: 0.5, value: Math.min(share, 1.5), "aria-label": `${name} of the limit` }));
    });
  }

  // ---- which layer

  choose(row, look = true) {
    if (!row) return;
    this.view.chosen = row;
    let opened = false;
    for (const part of this.view.tree.around(row)) {
      opened ||= !this.view.open.has(part.id);
      this.view.open.add(part.id);
    }
    if (opened) this.view.graph.draw();
    this.view.graph.select(row, look);
    this.rest();
  }

  toggle(row) {
    this.view.graph.toggle(row);
    this.rest();
  }

  openAll(all) {
    const { view } = this;
    view.open.clear();
    if (all) for (const row of view.tree.rows) if (!row.leaf) view.open.add(row.id);
    view.graph.draw();
    view.graph.fit();
    this.rest();
  }

  search() {
    const words = byId("search").value.trim().toLowerCase();
    const list = [];
    if (words) {
      for (const row of this.view.tree.inOrder()) {
        const shapes = (row.outs ?? []).map((out) => shapeText(this.at.shape(out)));
        if ([row.path, row.title, row.op, ...shapes].some((text) => text.toLowerCase().includes(words))) list.push(row);
      }
    }
    byId("found").replaceChildren(...list.slice(0, MOST_FOUND).map((row) => element("li", {}, element("button", { type: "button", class: "link", onclick: () => this.choose(row) }, `${row.path}: ${row.title}`))));
    byId("count").textContent = words ? `${list.length} found${list.length > MOST_FOUND ? `, the first ${MOST_FOUND}` : ""}` : "";
  }

  // ---- what the picture asks for

  get open() {
    return this.view.open;
  }

  shape = (value) => this.shapeOf(this.view.net.values[value]);

  shapeOf = (out) => this.at.shape(out).join("×");

  heats() {
    const { tree } = this.view;
    this.hot = new Map();
    if (!this.heat) return;
    const signal = new Map(this.view.net.signal.layers.map(([id, , gradient]) => [id, gradient]));
    for (const row of tree.rows) this.hot.set(row.id, this.heat === "gradient" ? (signal.get(row.id) ?? 0) : this.at.number(this.heat, row));
    const leaves = tree.rows.filter((row) => row.leaf).map((row) => this.hot.get(row.id)).filter((n) => n > 0);
    this.range = [Math.min(...leaves), Math.max(...leaves)];
  }

  note = (row) => {
    const number = this.hot?.get(row.id);
    if (!number) return "";
    if (this.heat === "gradient") return number.toPrecision(2);
    return amount(number, this.at.metrics.find((metric) => metric.key === this.heat).unit);
  };

  // A colour by a number's part of the greatest one; of gradients by its place among powers of ten.
  tint = (row) => {
    const number = this.hot?.get(row.id);
    if (!number) return "";
    const [low, high] = this.range;
    const share = this.heat === "gradient" ? Math.log(number / low) / (Math.log(high / low) || 1) : Math.min(1, number / high);
    return `rgb(${[[255, 244], [247, 162], [237, 97]].map(([cold, hot]) => Math.round(cold + (hot - cold) * share)).join(" ")})`;
  };
}

// One network: its tree, the sizes that are chosen, what is open.
class View {
  constructor(net) {
    this.net = net;
    this.sizes = Object.fromEntries(net.sizes.map((size) => [size.name, size.value]));
    this.first = { ...this.sizes };
    this.defaults = net.sizes.filter((size) => !size.batch).map((size) => `${size.name} = ${size.value}`).join(", ");
  }

  take(sizes) {
    for (const size of this.net.sizes) {
      if (size.batch ? sizes[size.name] : isAllowed(size, sizes[size.name])) this.sizes[size.name] = sizes[size.name];
    }
  }

  // What takes time is made when the network is first looked at.
  start() {
    if (this.tree) return;
    this.tree = new Tree(this.net);
    this.scopes = new Scopes(this.tree);
    this.open = new Set();
    let count = this.tree.roots.length;
    const level = [...this.tree.roots];
    for (const row of level) {
      if (row.leaf || row.times || count + row.children.length > FIRST_BOXES) continue;
      this.open.add(row.id);
      count += row.children.length;
      level.push(...row.children);
    }
  }

  at(device, dtype) {
    const at = new At(this.tree, this.sizes, device, dtype);
    at.changed = this.net.sizes.some((size) => !size.batch && this.sizes[size.name] !== this.first[size.name]);
    return at;
  }
}

// The networks of one sweep together, each other one alone.
function together(views) {
  const groups = new Map();
  for (const view of views) {
    const key = Object.keys(view.net.point).length ? view.net.name : Symbol(view.net.name);
    groups.set(key, [...(groups.get(key) ?? []), view]);
  }
  return [...groups.values()];
}

window.report = new Page(JSON.parse(byId("document").textContent));
