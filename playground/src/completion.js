// What can be written, as the editor offers it: the words of the language server, a name of std with its `use`.
const TYPES = { layer: "class", function: "function", word: "enum", initialiser: "constant", keyword: "keyword", argument: "property", variable: "variable", constant: "constant", module: "namespace", "element type": "type" };

const letters = (text) => [...text].length;

// `ask(text, offset)` gives the words; offsets of the compiler count characters, those of the editor UTF-16 units.
export const completion = (ask) => async (context) => {
  const word = context.matchBefore(/[A-Za-z_][\w.]*$/);
  if (!word && !context.explicit && !context.matchBefore(/(->|[(,:])\s*$/)) return null;
  const text = context.state.doc.toString();
  const found = await ask(text, letters(text.slice(0, context.pos)));
  if (!found || context.aborted) return null;
  const options = found.map(({ name, kind, detail, doc, rank, home, use }) => ({
    label: name,
    type: TYPES[kind],
    detail: home,
    info: detail || doc ? () => info(detail, doc) : undefined,
    boost: -10 * rank,
    apply: use ? (view, _, from, to) => write(view, name, from, to, use) : undefined,
  }));
  return { from: word?.from ?? context.pos, options, validFor: /^\w*$/ };
};

function info(detail, doc) {
  const box = document.createElement("div");
  for (const [words, name] of [[detail, "signature"], [doc, ""]]) if (words) box.append(Object.assign(document.createElement("div"), { className: name, textContent: words }));
  return box;
}

function write(view, name, from, to, use) {
  const at = [...view.state.doc.toString()].slice(0, use.at).join("").length;
  const changes = [{ from: at, insert: use.text }, { from, to, insert: name }];
  view.dispatch({ changes, selection: { anchor: from + name.length + (at <= from ? use.text.length : 0) }, userEvent: "input.complete" });
}
