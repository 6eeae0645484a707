// Colours of programs, from the table that `python -m dslc.reference` writes: as Pygments and TextMate have it.
import { StreamLanguage } from "@codemirror/language";
import rules from "../../dslc/highlight/rules.json";

// The first that a scope begins with.
const TAGS = [
  ["comment.line.documentation", "docComment"], ["comment", "comment"], ["constant.numeric", "number"],
  ["string.other.name", "labelName"], ["string", "string"], ["constant.language", "bool"],
  ["constant.character", "escape"], ["keyword.operator.logical", "keyword"], ["keyword.operator", "operator"],
  ["keyword", "keyword"], ["support.function", "typeName"], ["support.type", "typeName"],
  ["entity.name", "macroName"], ["variable.parameter", "propertyName"], ["variable.language", "self"],
  ["invalid", "invalid"], ["punctuation", "punctuation"],
];
const tagOf = (kind) => TAGS.find(([scope]) => rules.kinds[kind][0].startsWith(scope))?.[1] ?? null;
// JavaScript has no atomic groups; none of the table's needs to be one for a match to be the same.
const sticky = (pattern) => new RegExp(pattern.replaceAll("(?>", "(?:"), "y");

const contexts = Object.fromEntries(Object.entries(rules.contexts).map(([name, list]) => [name, list.map((rule) => {
  const region = rule.region && rules.regions[rule.region];
  return { pattern: sticky(region ? region.begin : rule.match), tags: (region ? [region.mark] : rule.kinds).map(tagOf), region: rule.region };
})]));
const regions = Object.fromEntries(Object.entries(rules.regions).map(([name, region]) => [name, {
  end: sticky(region.end), mark: tagOf(region.mark), tag: tagOf(region.kind), inside: region.inside,
}]));

function token(stream, state) {
  if (state.waiting.length) {
    const [length, tag] = state.waiting.shift();
    stream.pos += length;
    return tag;
  }
  const match = (pattern) => { pattern.lastIndex = stream.pos; return pattern.exec(stream.string); };
  while (state.open.length) {
    const region = regions[state.open.at(-1)];
    const end = match(region.end);
    if (!end) break;
    state.open.pop();
    if (end[0]) { stream.pos += end[0].length; return region.mark; }
  }
  const region = state.open.length ? regions[state.open.at(-1)] : null;
  for (const rule of contexts[region?.inside ?? "code"]) {
    const found = match(rule.pattern);
    if (!found || !found[0]) continue;
    if (rule.region) state.open.push(rule.region);
    if (rule.tags.length === 1) { stream.pos += found[0].length; return rule.tags[0]; }
    state.waiting = found.slice(1).map((text, i) => [text.length, rule.tags[i]]).filter(([length]) => length);
    return token(stream, state);
  }
  stream.next();
  return region?.tag ?? null;
}

export const dl = StreamLanguage.define({
  name: "dl",
  startState: () => ({ open: [], waiting: [] }),
  copyState: (state) => ({ open: [...state.open], waiting: [...state.waiting] }),
  token(stream, state) {
    if (stream.sol()) Object.assign(state, { open: [], waiting: [] });
    return token(stream, state);
  },
  languageData: { commentTokens: { line: "#" } },
});
