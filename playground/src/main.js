import { basicSetup, EditorView } from "codemirror";
import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { setDiagnostics } from "@codemirror/lint";
import { tags } from "@lezer/highlight";
import { dl } from "./language.js";
import { packed, unpacked } from "./link.js";

const START = `# A mistake to begin with: click the fix below.
net small on image[N, 3, H=32, W=32]:
    conv(16, 3) -> bn -> rleu
    maxpool(2)
    conv(32, 3) -> bn -> relu
    gap -> flatten -> linear(10)
`;

const $ = (id) => document.getElementById(id);
const worker = new Worker("worker.js", { type: "module" });
let asked = 0, answered = null, timer = 0, sizes = {};

// Colours that reach a contrast of 4.5 on both backgrounds.
const style = HighlightStyle.define([
  { tag: tags.keyword, color: "light-dark(#8a2be2, #c9a2ff)" },
  { tag: [tags.typeName, tags.macroName], color: "light-dark(#005cc5, #79b8ff)" },
  { tag: tags.number, color: "light-dark(#0a6640, #7ee0b0)" },
  { tag: tags.string, color: "light-dark(#a31515, #f5a3a3)" },
  { tag: [tags.comment, tags.docComment], color: "light-dark(#5f6b66, #9fb0a8)" },
  { tag: tags.invalid, textDecoration: "underline wavy" },
]);

const view = new EditorView({
  parent: $("editor"),
  extensions: [
    basicSetup, dl, syntaxHighlighting(style),
    EditorView.contentAttributes.of({ "aria-label": "Program", spellcheck: "false" }),
    EditorView.updateListener.of((update) => { if (update.docChanged) later(); }),
  ],
});

function later() {
  clearTimeout(timer);
  timer = setTimeout(ask, 60);
}

function ask() {
  clearTimeout(timer);
  const text = view.state.doc.toString();
  worker.postMessage({ id: ++asked, text, net: $("net").value, sizes });
  packed(text).then((hash) => history.replaceState(null, "", `#${hash}`));
}

worker.onmessage = ({ data }) => {
  if (data.failed) {
    $("status").textContent = `the compiler failed: ${data.failed}`;
  } else if (data.examples) {
    for (const name of Object.keys(data.examples)) $("example").append(new Option(name, name));
    $("example").onchange = () => {
      const text = data.examples[$("example").value];
      if (text) start(text);
    };
  } else if (data.id === asked) {
    show(data.found);
    $("status").textContent = `${Math.round(data.ms)} ms`;
  }
};

function start(text) {
  sizes = {};
  $("net").replaceChildren();
  view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text }, selection: { anchor: 0 }, scrollIntoView: true });
  ask();
}

// The compiler counts characters, the editor counts UTF-16 units.
function units(text) {
  if (!/[\ud800-\udbff]/.test(text)) return (offset) => Math.min(offset, text.length);
  const places = [];
  let at = 0;
  for (const character of text) { places.push(at); at += character.length; }
  return (offset) => places[offset] ?? text.length;
}

const node = (name, properties = {}, ...children) => {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
};

function show(found) {
  const place = units(view.state.doc.toString());
  const own = (span) => span.start && span.path === "net.dl";
  $("problems").replaceChildren();
  const marks = [];
  for (const problem of found.problems) $("problems").append(node("li", { className: "error" }, problem));
  for (const d of found.diagnostics) {
    const words = `${d.severity}[${d.code}]: ${d.message}`;
    const item = node("li", { className: d.severity });
    if (own(d.span)) {
      const from = place(d.span.start.offset), to = place(d.span.end.offset);
      item.append(node("button", { type: "button", className: "place", onclick: () => go(from, to) }, `${d.span.start.line}:${d.span.start.column} ${words}`));
      marks.push({ from, to, severity: d.severity === "note" ? "info" : d.severity, message: d.label ? `${d.message}: ${d.label}` : d.message });
    } else {
      item.append(words);
    }
    for (const help of d.help) {
      const line = node("div", { className: "help" }, `help: ${help.text}`);
      if (help.edits.length && help.edits.every((edit) => own(edit.span))) {
        const changes = help.edits.map((edit) => ({ from: place(edit.span.start.offset), to: place(edit.span.end.offset), insert: edit.text }));
        line.append(node("button", { type: "button", className: "fix", onclick: () => { view.dispatch({ changes }); ask(); view.focus(); } }, "Apply"));
      }
      item.append(line);
    }
    $("problems").append(item);
  }
  view.dispatch(setDiagnostics(view.state, marks));
  const net = found.net ?? $("net").value;
  $("net").replaceChildren(...found.nets.map((name) => new Option(name, name, false, name === net)));
  for (const panel of ["picture", "table", "torch"]) $(panel).classList.toggle("old", !found.net);
  if (!found.net) return; // what stands there is of the last program without a mistake
  answered = found;
  showSizes(found.sizes);
  $("picture").replaceChildren(document.importNode(new DOMParser().parseFromString(found.svg, "image/svg+xml").documentElement, true));
  const head = node("tr", {}, ...found.table.headings.map((text) => node("th", { scope: "col" }, text)));
  const rows = found.table.rows.map((row) => node("tr", { title: row.path }, ...row.texts.map((text) => node("td", {}, text))));
  $("table").replaceChildren(node("table", {}, node("thead", {}, head), node("tbody", {}, ...rows)), node("pre", {}, `\n${found.report.slice(found.report.indexOf("\n\n", found.report.indexOf("\n\n") + 2)).trim()}`));
  $("torch").querySelector("pre").textContent = found.torch;
}

function showSizes(values) {
  const names = Object.keys(values);
  const shown = [...$("sizes").querySelectorAll("input")];
  if (shown.map((input) => input.name).join() !== names.join()) {
    $("sizes").replaceChildren(...names.map((name) => node("label", {}, `${name} `, node("input", {
      type: "number", min: 1, name, oninput: ({ target }) => { if (target.validity.valid && target.value) { sizes[name] = Number(target.value); later(); } },
    }))));
  }
  for (const input of $("sizes").querySelectorAll("input")) if (input !== document.activeElement) input.value = values[input.name];
}

function go(from, to) {
  view.dispatch({ selection: { anchor: from, head: to }, scrollIntoView: true });
  view.focus();
}

const tabs = [...document.querySelectorAll("[role=tab]")];
function open(tab) {
  for (const each of tabs) {
    each.setAttribute("aria-selected", each === tab);
    each.tabIndex = each === tab ? 0 : -1;
    $(each.getAttribute("aria-controls")).hidden = each !== tab;
  }
}
for (const tab of tabs) {
  tab.onclick = () => open(tab);
  tab.onkeydown = ({ key }) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[key];
    if (!step) return;
    const other = tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length];
    open(other);
    other.focus();
  };
}

async function copy(button, text) {
  const said = button.textContent;
  try { await navigator.clipboard.writeText(text); button.textContent = "Copied"; } catch { button.textContent = "Not allowed here"; }
  setTimeout(() => { button.textContent = said; }, 1500);
}
$("net").onchange = () => { sizes = {}; ask(); };
$("copy").onclick = () => copy($("copy"), answered?.torch ?? "");
$("link").onclick = async () => copy($("link"), `${location.href.split("#")[0]}#${await packed(view.state.doc.toString())}`);
window.onhashchange = async () => {
  const text = await unpacked(location.hash.slice(1));
  if (text !== null && text !== view.state.doc.toString()) start(text);
};

start((await unpacked(location.hash.slice(1))) ?? START);
