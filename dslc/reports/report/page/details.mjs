// What is known of one layer: its numbers, what it sees, and its lines of the program and of the PyTorch module.

import { element } from "./dom.mjs";
import { fieldPictures } from "./field.mjs";
import { amount, grouped, shapeText } from "./format.mjs";

export function details(doc, net, at, row, choose) {
  const around = at.tree.around(row).filter((part) => !part.times);
  const crumbs = element("p", { class: "crumbs" }, [
    ...around.flatMap((part) => [element("button", { type: "button", class: "link", onclick: () => choose(part) }, part.name), " › "]),
    row.name,
  ]);
  return [
    crumbs,
    element("h2", {}, row.title),
    element("p", { class: "muted" }, row.times ? `${row.times} parts like the one before them` : row.path, row.needed ? `, ${row.needed === "training" ? "in training alone" : "nothing reads it"}` : ""),
    outputs(net, at, row),
    numbers(at, row),
    attributes(row),
    fields(net, at, row),
    lines(doc, net, row),
  ];
}

function outputs(net, at, row) {
  return (row.outs ?? []).slice(0, 6).map((out) => {
    const symbolic = out[1].map((dim) => (dim < 0 ? net.texts[-1 - dim] : dim));
    const plain = shapeText(at.shape(out));
    const same = shapeText(symbolic) === plain;
    return element("p", { class: "shape" }, "output ", element("b", {}, plain), same ? "" : ` = ${shapeText(symbolic)}`, out[0] === "float32" ? "" : ` ${out[0]}`);
  });
}

function numbers(at, row) {
  const found = at.metrics.map((metric) => [metric, at.number(metric.key, row)]).filter(([, value]) => value);
  if (row.known === false) found.push([{ heading: "costs", doc: "its module does not say" }, null]);
  return element("dl", { class: "numbers" }, found.map(([metric, value]) => [
    element("dt", { title: metric.doc }, metric.heading),
    element("dd", {}, value === null ? "not known" : amount(value, metric.unit), metric.fixed && at.changed ? " at the default sizes" : "", value !== null && value >= 1000 && metric.unit !== "s" ? element("span", { class: "muted" }, ` ${grouped(value)}`) : ""),
  ]));
}

function attributes(row) {
  const given = Object.entries(row.attributes ?? {}).filter(([, value]) => value !== "null" && value !== "none");
  return given.length ? element("p", { class: "muted" }, given.map(([name, value]) => `${name} = ${value}`).join(", ")) : null;
}

function fields(net, at, row) {
  const pictures = fieldPictures(net, at, row);
  const words = `what the unit in the middle sees${at.changed ? ", its field as it is at the default sizes" : ""}`;
  return pictures.length ? element("div", { class: "fields" }, element("h3", {}, words), pictures) : null;
}

function lines(doc, net, row) {
  const places = row.at.filter(([source], i) => row.at.findIndex(([other]) => other === source) === i);
  const codes = places.map(([source]) => code(doc.sources[source].path, doc.sources[source].text, row.at.filter(([s]) => s === source).map(([, line]) => line)));
  if (net.torch && row.torch?.length) codes.push(code("PyTorch", net.torch, row.torch));
  return element("div", { class: "codes" }, codes);
}

// A text with some lines marked; the first of them is in view. `known`: what lines make, which stands behind them.
export function code(title, text, marked, known = {}) {
  const all = text.split("\n");
  if (all.at(-1) === "") all.pop();
  const list = element("ol", { class: "code", tabindex: "0", "aria-label": title }, all.map((line, i) =>
    element("li", marked.includes(i + 1) ? { class: "marked", value: i + 1 } : {}, marked.includes(i + 1) ? element("mark", {}, line || " ") : line, known[i + 1] ? element("span", { class: "made" }, `  ${known[i + 1]}`) : "")));
  const box = element("figure", { class: "source" }, element("figcaption", {}, `${title}${marked.length ? `:${marked[0]}` : ""}`), list);
  queueMicrotask(() => {
    const first = list.children[(marked[0] ?? 1) - 1];
    if (first) list.scrollTop = Math.max(0, first.offsetTop - list.offsetTop - list.clientHeight / 3);
  });
  return box;
}
