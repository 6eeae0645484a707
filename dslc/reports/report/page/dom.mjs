// Elements of a page. Texts are set as texts, never as markup.

const SVG = "http://www.w3.org/2000/svg";

export function element(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

export function drawn(name, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children);
}

function filled(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? "" : value);
  }
  for (const child of children.flat(Infinity)) {
    if (child !== null && child !== undefined && child !== false) made.append(child);
  }
  return made;
}

export const byId = (id) => document.getElementById(id);

const seen = new Map();
let context = null;

// The width of a text in pixels, in the page's own letters.
export function textWidth(text, size, weight = 400) {
  const key = `${weight} ${size} ${text}`;
  if (!seen.has(key)) {
    context ??= typeof document === "undefined" ? undefined : document.createElement("canvas").getContext("2d");
    if (context) context.font = `${weight} ${size}px system-ui, sans-serif`;
    seen.set(key, context ? context.measureText(text).width : text.length * size * 0.6);
  }
  return seen.get(key);
}
