import { basicSetup, EditorView } from "codemirror";
import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { setDiagnostics } from "@codemirror/lint";
import { tags } from "@lezer/highlight";
import { Compiler } from "./compiler.js";
import { completion } from "./completion.js";
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
const tabs = [...document.querySelectorAll("[role=tab]")];
const panels = tabs.map((tab) => $(tab.getAttribute("aria-controls")));
const shown = () => panels.find((panel) => !panel.hidden).id;
let asked = 0, timer = 0, sizes = {};

// Colours that reach a contrast of 4.5 on both backgrounds.
const style = HighlightStyle.define([
  { tag: tags.keyword, color: "light-dark(#8a2be2, #c9a2ff)" },
  { tag: [tags.typeName, tags.macroName], color: "light-dark(#005cc5, #79b8ff)" },
  { tag: tags.number, color: "light-dark(#0a6640, #7ee0b0)" },
  { tag: tags.string, color: "light-dark(#a31515, #f5a3a3)" },
  { tag: [tags.comment, tags.docComment], color: "light-dark(#5f6b66, #9fb0a8)" },
  { tag: tags.invalid, textDecoration: "underline wavy" },
]);

const theme = EditorView.theme({
  "&": { color: "var(--ink)", backgroundColor: "var(--back)" },
  ".cm-content": { caretColor: "var(--ink)" },
  ".cm-cursor": { borderLeftColor: "var(--ink)" },
  ".cm-gutters": { color: "var(--muted)", backgroundColor: "var(--panel)", borderRight: "1px solid var(--line)" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "var(--here)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": { backgroundColor: "var(--selected)" },
  ".cm-selectionMatch": { backgroundColor: "var(--selected)" },
  ".cm-tooltip, .cm-panels": { color: "var(--ink)", backgroundColor: "var(--panel)", border: "1px solid var(--line)" },
  ".cm-tooltip-autocomplete > ul > li[aria-selected]": { color: "var(--ink)", backgroundColor: "var(--selected)" },
  ".cm-completionDetail": { color: "var(--muted)" },
  ".cm-diagnosticAction": { color: "#fff", backgroundColor: "#0b57d0" },
});

const view = new EditorView({
  parent: $("editor"),
  extensions: [
    basicSetup, theme, dl, syntaxHighlighting(style),
    dl.data.of({ autocomplete: completion(async (text, offset) => (await compiler.ask("complete", { text, offset })).found) }),
    EditorView.contentAttributes.of({ "aria-label": "Program", spellcheck: "false" }),
    EditorView.updateListener.of((update) => { if (update.docChanged) later(); }),
  ],
});

const compiler = new Compiler((data) => {
  if (data.failed) $("status").textContent = `the compiler failed: ${data.failed}`;
  if (data.restarted) $("status").textContent = "what took too long was given up: loading the compiler again";
  if (!data.examples) return;
  $("status").textContent = "ready";
  if ($("example").options.length > 1) return;
  for (const name of Object.keys(data.examples)) $("example").append(new Option(name, name));
  $("example").onchange = () => {
    const text = data.examples[$("example").value];
    if (text) start(text);
  };
});

function later() {
  clearTimeout(timer);
  timer = setTimeout(ask, 60);
}

// What the open tab shows of the program as it stands; the answer to an older question is dropped.
async function ask() {
  clearTimeout(timer);
  const text = view.state.doc.toString(), tab = shown();
  const id = ++asked;
  packed(text).then((hash) => { if (id === asked) history.replaceState(null, "", `#${hash}`); });
  const { found, failed, ms } = await compiler.ask("answer", { text, net: $("net").value, sizes, view: tab });
  if (id !== asked) return;
  $("status").textContent = failed ? `the compiler failed: ${failed}` : "ready";
  if (failed) return;
  $("time").textContent = `${Math.round(ms)} ms`;
  show(found);
}

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
      marks.push({ from, to, severity: d.severity === "note" ? "info" : d.severity, message: d.label ? `${d.message}: ${d.label}` : d.message, actions: fixes(d, own, place) });
    } else {
      item.append(words);
    }
    for (const help of d.help) {
      const line = node("div", { className: "help" }, `help: ${help.text}`);
      const changes = edits(help, own, place);
      if (changes) line.append(" ", node("button", { type: "button", className: "fix", onclick: () => apply(changes) }, "Apply"));
      item.append(line);
    }
    $("problems").append(item);
  }
  view.dispatch(setDiagnostics(view.state, marks));
  const net = found.net ?? $("net").value;
  $("net").replaceChildren(...found.nets.map((name) => new Option(name, name, false, name === net)));
  for (const panel of panels) panel.classList.toggle("old", !found.net);
  if (!found.net) return; // what stands there is of the last program without a mistake
  showSizes(found.sizes);
  if (found.svg) $("picture").replaceChildren(document.importNode(new DOMParser().parseFromString(found.svg, "image/svg+xml").documentElement, true));
  if (found.table) showTable(found);
  for (const name of ["torch", "onnx"]) if (found[name]) $(name).querySelector("pre").textContent = found[name];
}

function showTable({ table, report }) {
  const head = node("tr", {}, ...table.headings.map((text) => node("th", { scope: "col" }, text)));
  const rows = table.rows.map((row) => node("tr", { title: row.path }, ...row.texts.map((text) => node("td", {}, text))));
  const rest = report.slice(report.indexOf("\n\n", report.indexOf("\n\n") + 2)).trim();
  $("table").replaceChildren(node("table", {}, node("thead", {}, head), node("tbody", {}, ...rows)), node("pre", {}, `\n${rest}`));
}

// The changes that a help line proposes; none of one that is words alone, or of another text.
function edits(help, own, place) {
  if (!help.edits.length || !help.edits.every((edit) => own(edit.span))) return null;
  return help.edits.map((edit) => ({ from: place(edit.span.start.offset), to: place(edit.span.end.offset), insert: edit.text }));
}

function fixes(diagnostic, own, place) {
  return diagnostic.help.map((help) => [help.text, edits(help, own, place)]).filter(([, changes]) => changes).map(([name, changes]) => ({ name, apply: () => apply(changes) }));
}

function apply(changes) {
  view.dispatch({ changes });
  ask();
  view.focus();
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

function open(tab) {
  for (const each of tabs) {
    each.setAttribute("aria-selected", each === tab);
    each.tabIndex = each === tab ? 0 : -1;
    $(each.getAttribute("aria-controls")).hidden = each !== tab;
  }
  ask();
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
for (const button of document.querySelectorAll(".copy")) button.onclick = () => copy(button, button.parentElement.querySelector("pre").textContent);
$("link").onclick = async () => copy($("link"), `${location.href.split("#")[0]}#${await packed(view.state.doc.toString())}`);
window.onhashchange = async () => {
  const text = await unpacked(location.hash.slice(1));
  if (text !== null && text !== view.state.doc.toString()) start(text);
};

const linked = location.hash.slice(1);
const first = await unpacked(linked);
start(first ?? START);
if (linked && first === null) $("status").textContent = "the link holds no program: here is one to begin with";
