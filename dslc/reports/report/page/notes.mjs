// What a compiler or a rule says, with its place in the program.

import { code } from "./details.mjs";
import { element } from "./dom.mjs";

export function problem(doc, each, source = doc.sources.findIndex((text) => text.path === each.span.path)) {
  const line = each.span.start?.line;
  const place = line ? `${each.span.path}:${line}` : each.span.path;
  const name = each.code ? `${each.severity}[${each.code}]` : each.severity;
  return element("article", { class: `problem ${each.severity}` },
    element("p", {}, element("b", {}, `${name}: `), each.message, element("span", { class: "muted" }, ` ${place}`)),
    [each.label ? [each.label] : [], each.notes, each.help.map((help) => `help: ${help.text}`)].flat(2).map((words) => element("p", { class: "more" }, words)),
    source >= 0 && line ? element("details", {}, element("summary", {}, "in the program"), code(doc.sources[source].path, doc.sources[source].text, [line])) : null);
}
