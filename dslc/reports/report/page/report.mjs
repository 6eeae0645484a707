// The page: which network, at which sizes, on which device, and which layer is looked at.

import { memoryChart, rooflineChart, signalChart } from "./charts.mjs";
import { code, details } from "./details.mjs";
import { byId, element } from "./dom.mjs";
import { amount, grouped } from "./format.mjs";
import { Graph } from "./graph.mjs";
import { problem } from "./notes.mjs";
import { deviceControls, pointControls, select, sizeControls } from "./controls.mjs";
import { layerTable } from "./table.mjs";
import { HEATS, View, heat } from "./view.mjs";

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
    this.graph = new Graph(byId("graph"), (row) => this.choose(row), (row) => this.toggle(row));
    this.controls();
    this.show(0);
  }

  // What is wrong with the program, above all else; warnings and notes of networks stand below.
  tell() {
    const { problems } = this.doc;
    byId("problems").hidden = !problems.length;
    byId("problems").append(element("h2", {}, problems.length === 1 ? "1 mistake" : `${problems.length} mistakes`), ...problems.map((each) => problem(this.doc, each)));
    for (const { name, source, lines } of this.doc.partly) {
      const { path, text } = this.doc.sources[source];
      const wrong = problems.filter((each) => each.span.path === path && each.span.start).map((each) => each.span.start.line);
      byId("problems").append(element("details", { open: true }, element("summary", {}, `what is known of ${name}`), code(path, text, wrong, lines)));
    }
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
    select("heat", HEATS, (value) => {
      this.heat = value;
      this.refresh();
    });
    deviceControls(this.doc.devices, (device, dtype) => {
      Object.assign(this, { device, dtype });
      this.refresh();
    });
    window.addEventListener("beforeprint", () => this.graph.printed(true));
    window.addEventListener("afterprint", () => this.graph.printed(false));
    const on = (id, act) => byId(id).addEventListener("click", act);
    on("larger", () => this.graph.scale(1.25));
    on("smaller", () => this.graph.scale(0.8));
    on("fit", () => this.graph.fit());
    on("whole", () => this.graph.whole());
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
    this.graph.view = view;
    this.refresh();
    this.graph.fit();
    this.choose(this.view.chosen ?? this.view.tree.roots.find((row) => !row.needed), false);
  }

  notes() {
    const { notes } = this.view.net;
    byId("notes").replaceChildren(...(notes.length ? notes.map((note) => problem(this.doc, note)) : [element("p", {}, "no rule has anything to say")]));
  }

  // All numbers anew, at the sizes and on the device that are chosen.
  refresh() {
    this.view.compute(this.device, this.dtype);
    heat([this.view], this.heat);
    byId("totals").replaceChildren(...this.totals());
    byId("budgets").replaceChildren(...this.budgets());
    this.graph.draw();
    this.rest();
  }

  // What shows the chosen layer.
  rest() {
    const { view } = this;
    const { at } = view;
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
    const shown = this.view.at.totals().filter((total) => total.value);
    return shown.map((total) => element("div", { class: "tile", title: total.doc },
      element("dt", {}, total.title),
      element("dd", {}, element("span", total.value >= 1000 ? { title: grouped(total.value) } : {}, `${total.gap ? "≥ " : ""}${amount(total.value, total.unit)}`),
        total.fixed && this.view.at.changed ? element("span", { class: "muted" }, ` at ${this.view.defaults}`) : "")));
  }

  budgets() {
    const known = new Map(this.view.at.totals().map((total) => [total.name, total]));
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
    const opened = this.view.reveal(row);
    if (opened) this.graph.draw();
    this.graph.select(row, look);
    this.rest();
  }

  toggle(row) {
    this.graph.toggle(row);
    this.rest();
  }

  openAll(all) {
    const { view } = this;
    view.openAll(all);
    this.graph.draw();
    this.graph.fit();
    this.rest();
  }

  search() {
    const words = byId("search").value;
    const list = this.view.search(words);
    byId("found").replaceChildren(...list.slice(0, MOST_FOUND).map((row) => element("li", {}, element("button", { type: "button", class: "link", onclick: () => this.choose(row) }, `${row.path}: ${row.title}`))));
    byId("count").textContent = words.trim() ? `${list.length} found${list.length > MOST_FOUND ? `, the first ${MOST_FOUND}` : ""}` : "";
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
