// The grammar colours every program of the project as the Pygments lexer does: both are written from one table.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const require = createRequire(import.meta.url);
const oniguruma = require("vscode-oniguruma");
const textmate = require("vscode-textmate");
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const read = (path) => readFileSync(here(path), "utf8");

async function grammar() {
  await oniguruma.loadWASM(readFileSync(require.resolve("vscode-oniguruma/release/onig.wasm")).buffer);
  const onigLib = { createOnigScanner: (p) => new oniguruma.OnigScanner(p), createOnigString: (s) => new oniguruma.OnigString(s) };
  const path = "../syntaxes/dl.tmLanguage.json";
  const registry = new textmate.Registry({ onigLib, loadGrammar: async () => textmate.parseRawGrammar(read(path), path) });
  return registry.loadGrammar("source.dl");
}

/** What Pygments calls each character, spaces apart. */
const letters = (words) => words.flatMap(([token, word]) => [...word].filter((each) => each.trim()).map((each) => `${each} ${token}`));

test("every program has the colours that Pygments gives it", async () => {
  const python = process.env.PYTHON ?? "python3";
  const output = execFileSync(python, [here("kinds.py")], { maxBuffer: 1 << 29, env: { ...process.env, PYTHONPATH: here("../../..") } });
  const programs = Object.entries(JSON.parse(output.toString()));
  assert.ok(programs.length > 2000);
  const kinds = JSON.parse(read("../../../dslc/highlight/rules.json")).kinds;
  const full = (name) => name.replace(/^(Number|String)/, "Literal.$1");
  const token = new Map(Object.values(kinds).map(([scope, name]) => [scope, full(name)]));
  const own = await grammar();
  for (const [path, words] of programs) {
    const got = [];
    let stack = textmate.INITIAL;
    for (const line of words.map(([, word]) => word).join("").split("\n")) {
      const found = own.tokenizeLine(line, stack);
      stack = found.ruleStack;
      for (const { startIndex, endIndex, scopes } of found.tokens) {
        got.push([token.get(scopes.at(-1)) ?? scopes.at(-1), line.slice(startIndex, endIndex)]);
      }
    }
    assert.deepEqual(letters(got), letters(words), path);
  }
});
