// The page of `dslc diff --html`: two networks beside each other, with what changed marked.

import { Changes, WORDS, commonSizes, unfold } from "./changes.mjs";
import { memoryChart, signalChart } from "./charts.mjs";
import { deviceControls, select, sizeControls } from "./controls.mjs";
import { details } from "./details.mjs";
import { byId, element } from "./dom.mjs";
import { amount, digits, grouped } from "./format.mjs";
import { Graph } from "./graph.mjs";
import { problem } from "./notes.mjs";
import { HEATS, View, heat } from "./view.mjs";

const COLUMNS = ["params", "macs", "memory", "time"];
const MOST_FOUND = 30;
const SIDES = [0, 1];

class Page {
  constructor(doc) {
    this.doc = doc;
    this.diff = doc.diff;
    unfold(this.diff, doc.nets);
    this.views = doc.nets.map((net) => new View(net));
    for (const view of this.views) view.start(() => false);
    this.changes = new Changes(this.diff, this.views);
    this.openChanged();
    this.device = doc.devices[0];
    this.dtype = Object.keys(this.device.peaks)[0];
    this.heat = "";
    this.graphs = SIDES.map((side) => {
      const graph = new Graph(byId(`graph-${side}`), (row) => this.choose(side, row), (row) => this.toggle(side, row));
      graph.view = this.views[side];
      return graph;
    });
    this.words();
    this.controls();
    this.refresh();
    for (const graph of this.graphs) graph.fit();
    const first = this.diff.changes.find((change) => change.words && this.row(change)?.leaf) ?? this.diff.changes[0];
    if (first) this.chooseChange(first, false);
  }

  // Parts with a change in them are open, the outermost first, as far as there is room.
  openChanged() {
    this.views.forEach((view, side) => {
      let count = view.tree.roots.length;
      const level = [...view.tree.roots];
      for (const row of level) {
        if (row.leaf || !this.changes.differs(side, row) || count + row.children.length > 60) continue;
        view.open.add(row.id);
        count += row.children.length;
        level.push(...row.children);
      }
    });
  }

  // ---- what does not depend on sizes

  words() {
    const { diff } = this;
    const counts = new Map();
    for (const { status, words } of diff.changes) if (words) counts.set(status, (counts.get(status) ?? 0) + 1);
    const said = [...counts].filter(([status]) => status !== "same").map(([status, count]) => `${count} ${WORDS[status]}`);
    byId("paths").textContent = diff.paths.join(" → ");
    byId("summary").textContent = diff.differ ? `layers and parts: ${said.join(", ") || "the same"}` : "the networks do not differ";
    byId("legend").textContent = "+ added, − removed, ~ changed, ≈ only other numbers";
    SIDES.forEach((side) => {
      byId(`name-${side}`).textContent = this.name(side);
      byId(`memory-name-${side}`).textContent = `memory over the run: ${this.name(side)}`;
      byId(`signal-name-${side}`).textContent = `signal and gradients at initialisation: ${this.name(side)}`;
    });
    const rules = (list, sign) => list.map((each) => element("div", {}, element("b", {}, `${sign} `), problem(this.doc, each)));
    byId("facts").replaceChildren(
      element("p", { class: diff.weights.load ? "kept" : "broken" }, diff.weights.words[0]),
      ...diff.weights.words.slice(1).map((line) => element("p", { class: "keys" }, line.trim())),
      ...diff.facts.map(([name, a, b]) => element("p", {}, element("b", {}, `${name} `), `${a || "none"} → ${b || "none"}`)),
      ...rules(diff.appeared, "new:"), ...rules(diff.gone, "gone:"));
  }

  // The row of a change in the second network, or in the first where it went.
  row(change) {
    return change.b === null ? this.views[0].tree.rows[change.a] : this.views[1].tree.rows[change.b];
  }

  name(side) {
    return this.diff.sides[side];
  }

  controls() {
    byId("sizes").replaceChildren(...sizeControls({ sizes: commonSizes(this.views) }, { ...this.views[0].sizes, ...this.views[1].sizes }, (sizes) => {
      for (const view of this.views) view.take(sizes);
      this.refresh();
    }));
    select("heat", HEATS.map(([value, words]) => [value, value ? words : "what changed"]), (value) => {
      this.heat = value;
      this.refresh();
    });
    deviceControls(this.doc.devices, (device, dtype) => {
      Object.assign(this, { device, dtype });
      this.refresh();
    });
    const on = (id, act) => byId(id).addEventListener("click", () => this.graphs.forEach(act));
    on("larger", (graph) => graph.scale(1.25));
    on("smaller", (graph) => graph.scale(0.8));
    on("fit", (graph) => graph.fit());
    for (const [id, all] of [["open", true], ["close", false]]) on(id, (graph) => {
      graph.view.openAll(all);
      graph.draw();
      graph.fit();
    });
    for (const [event, now] of [["beforeprint", true], ["afterprint", false]]) window.addEventListener(event, () => this.graphs.forEach((graph) => graph.printed(now)));
    byId("search").addEventListener("input", () => this.search());
    byId("search").addEventListener("keydown", (event) => {
      if (event.key === "Enter") byId("found").querySelector("button")?.click();
    });
  }

  search() {
    const words = byId("search").value;
    const list = SIDES.flatMap((side) => this.views[side].search(words).map((row) => [side, row]));
    // What stands for each other in both is one line.
    const both = list.filter(([side, row]) => side || !list.some(([other, known]) => other && known === this.changes.partner(0, row)));
    byId("found").replaceChildren(...both.slice(0, MOST_FOUND).map(([side, row]) => element("li", {}, element("button", { type: "button", class: "link", onclick: () => this.choose(side, row) }, `${this.name(side)}: ${row.path}: ${row.title}`))));
    byId("count").textContent = words.trim() ? `${both.length} found${both.length > MOST_FOUND ? `, the first ${MOST_FOUND}` : ""}` : "";
  }

  // ---- what does

  refresh() {
    for (const view of this.views) view.compute(this.device, this.dtype);
    heat(this.views, this.heat);
    byId("totals").replaceChildren(this.totals());
    for (const graph of this.graphs) graph.draw();
    this.rest();
  }

  totals() {
    const [a, b] = this.views.map((view) => view.at.totals());
    const rows = b.map((now) => [a.find((each) => each.name === now.name), now]).filter(([before, now]) => before?.value || now.value);
    const cell = (total, view) => element("td", { class: "number" }, element("span", { title: total.value === null ? undefined : grouped(total.value) }, `${total.gap ? "≥ " : ""}${amount(total.value, total.unit)}`),
      total.fixed && view.at.changed ? element("span", { class: "muted" }, ` at ${view.defaults}`) : "");
    const body = rows.map(([before, now]) => {
      const known = ![before, now].some((total) => total.gap || total.value === null);
      const delta = known ? now.value - before.value : null;
      return element("tr", { title: now.doc, class: delta === 0 ? "faded" : undefined }, element("th", { scope: "row" }, now.title), cell(before, this.views[0]), cell(now, this.views[1]),
        element("td", { class: "number" }, delta === null ? "?" : signed(delta, now.unit)),
        element("td", { class: "number" }, delta && before.value ? `${delta > 0 ? "+" : "−"}${digits(Math.abs((100 * delta) / before.value))} %` : ""));
    });
    return table(["number", this.name(0), this.name(1), "change", "percent"], 1, body, "numbers of both networks");
  }

  rest() {
    SIDES.forEach((side) => {
      const view = this.views[side];
      const choose = (row) => this.choose(side, row);
      const most = Math.max(...this.views.map(({ at }) => at.memory.arena));
      figure(`memory-${side}`, memoryChart(view.at, (step) => view.tree.rowOfStep.get(step), view.chosen, choose, most));
      figure(`signal-${side}`, signalChart(view.net, view.tree, view.chosen, choose));
    });
    byId("table").replaceChildren(this.table());
    byId("chosen").replaceChildren(...this.details());
  }

  // The lines of `dslc diff`, at the sizes that are chosen.
  table() {
    const metrics = COLUMNS.map((key) => this.views[1].at.metrics.find((metric) => metric.key === key));
    const body = this.diff.rows.map((line) => {
      const [first] = line.changes.map((number) => this.diff.changes[number]);
      const chosen = line.changes.some((number) => this.diff.changes[number] === this.change);
      return element("tr", { class: `${line.mark ? MARKED[line.mark] : "faded"}${chosen ? " chosen" : ""}` },
        element("th", { scope: "row" }, element("span", { class: `depth d${Math.min(line.depth, 12)}` }), element("span", { class: "sign" }, line.mark), element("button", { type: "button", class: "link", onclick: () => this.chooseChange(first) }, line.name), line.times > 1 ? ` ×${line.times}` : ""),
        element("td", {}, line.what), element("td", {}, line.output),
        metrics.map((metric) => {
          const delta = this.changes.total(metric.key, line);
          return element("td", { class: "number" }, delta ? signed(delta, metric.unit) : "");
        }),
        element("td", {}, line.field));
    });
    return table(["layer", "op", "output", ...metrics.map((metric) => metric.heading), "field"], 3, body, "layers");
  }

  details() {
    const { change } = this;
    if (!change) return [];
    const words = [change.named, change.words, change.output && `output ${change.output}`, change.field && `receptive field ${change.field}`].filter((text) => text);
    const halves = SIDES.map((side) => {
      const view = this.views[side];
      const id = change[side ? "b" : "a"];
      const known = id === null ? [element("p", { class: "muted" }, "not there")] : details(this.doc, view.net, view.at, view.tree.rows[id], (row) => this.choose(side, row)).flat(Infinity).filter((each) => each);
      return element("div", { class: "half" }, element("p", { class: "muted" }, this.name(side)), known);
    });
    return [element("p", { class: "change" }, element("b", {}, `${WORDS[change.status]}`), words.length ? `: ${words.join("; ")}` : ""), element("div", { class: "columns" }, halves)];
  }

  // ---- which layer

  choose(side, row) {
    const change = this.changes.of(side, row.times ? row.children[0] : row);
    if (change) this.chooseChange(change);
  }

  chooseChange(change, look = true) {
    this.change = change;
    SIDES.forEach((side) => {
      const id = change[side ? "b" : "a"];
      const view = this.views[side];
      view.chosen = id === null ? null : view.tree.rows[id];
      const opened = view.chosen ? view.reveal(view.chosen) : false;
      if (opened) this.graphs[side].draw();
      this.graphs[side].select(view.chosen, look);
    });
    this.rest();
  }

  // What stands for a part in the other network is opened or closed with it.
  toggle(side, row) {
    this.graphs[side].toggle(row);
    const other = this.views[1 - side];
    const partner = row.times ? other.folded(this.changes.partner(side, row)) : this.changes.partner(side, row);
    if (!partner || partner.leaf || other.open.has(partner.id) === this.views[side].open.has(row.id)) return;
    if (other.open.has(partner.id)) other.open.delete(partner.id);
    else other.open.add(partner.id);
    this.graphs[1 - side].draw();
  }
}

const MARKED = { "+": "d-added", "-": "d-removed", "~": "d-changed" };

function signed(number, unit) {
  if (!number) return "same";
  return `${number > 0 ? "+" : "−"}${amount(Math.abs(number), unit)}`;
}

function table(heads, text, body, caption) {
  const head = heads.map((name, i) => element("th", { scope: "col", class: i >= text ? "number" : undefined }, name));
  return element("table", {}, element("caption", { class: "hidden" }, caption), element("thead", {}, element("tr", {}, head)), element("tbody", {}, body));
}

function figure(id, [words, chart]) {
  byId(id).replaceChildren(chart, element("figcaption", {}, words));
}

window.report = new Page(JSON.parse(byId("document").textContent));
