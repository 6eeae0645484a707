// The layers as a table whose parts open and close: what the picture shows, for readers of text.

import { element } from "./dom.mjs";
import { amount, shapeText } from "./format.mjs";

const COLUMNS = ["params", "macs", "memory", "saved", "time"];

export function layerTable(at, open, chosen, choose, toggle) {
  const metrics = COLUMNS.flatMap((key) => at.metrics.filter((metric) => metric.key === key));
  const body = element("tbody");
  const add = (row, depth) => {
    if (row.needed === "never") return;
    const isOpen = !row.leaf && open.has(row.id);
    const sign = row.leaf ? element("span", { class: "sign" }) : element("button", { type: "button", class: "sign", "aria-expanded": String(isOpen), "aria-label": `${isOpen ? "close" : "open"} ${row.path}`, onclick: () => toggle(row) }, isOpen ? "−" : "+");
    body.append(element("tr", { class: `${row === chosen ? "chosen" : ""}${row.needed ? " faded" : ""}${row.leaf ? "" : " part"}` },
      element("th", { scope: "row" }, element("span", { class: `depth d${Math.min(depth, 12)}` }), sign, element("button", { type: "button", class: "link", onclick: () => choose(row) }, row.name)),
      element("td", {}, row.title),
      element("td", {}, (row.outs ?? []).slice(0, 2).map((out) => shapeText(at.shape(out))).join(" ")),
      metrics.map((metric) => {
        const value = at.number(metric.key, row);
        return element("td", { class: "number" }, value ? amount(value, metric.unit) : "");
      })));
    if (isOpen) for (const child of row.children) add(child, depth + 1);
  };
  for (const row of at.tree.roots) add(row, 0);
  const head = element("tr", {}, ["layer", "op", "output", ...metrics.map((metric) => metric.heading)].map((name, i) =>
    element("th", { scope: "col", class: i > 2 ? "number" : undefined, title: i > 2 ? metrics[i - 3].doc : undefined }, name)));
  return element("table", {}, element("caption", { class: "hidden" }, "layers"), element("thead", {}, head), body);
}
