// The bundle as an editor loads it, with as much of the editor as starting and stopping asks for.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import Module from "node:module";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const bundle = fileURLToPath(new URL("../dist/extension.js", import.meta.url));
const require = createRequire(import.meta.url);
const manifest = require("../package.json");

/** Stands for whatever of the editor is only passed on: it can be called, made, extended and asked for anything. */
function anything() {
  const own = function () {};
  return new Proxy(own, {
    get: (target, name) => (name === Symbol.toPrimitive ? () => "" : name === "then" ? undefined : name === "prototype" ? target.prototype : anything()),
    apply: () => anything(),
    construct: () => anything(),
  });
}

test("it registers its commands, and says what to install where the server does not start", async () => {
  const commands = new Map();
  const told = [];
  const event = () => ({ dispose() {} });
  const used = ["commands", "workspace", "window", "Uri", "ViewColumn", "ProcessExecution", "Task", "TaskScope", "tasks"];
  const vscode = new Proxy({}, {
    ownKeys: () => used,
    getOwnPropertyDescriptor: () => ({ configurable: true, enumerable: true }),
    get(_, name) {
      if (name === "version") return "1.91.0";
      if (name === "commands") return { registerCommand: (id, action) => (commands.set(id, action), { dispose() {} }), executeCommand: async () => {} };
      if (name === "workspace") {
        return new Proxy({}, {
          get(_, own) {
            if (own === "getConfiguration") return () => ({ get: () => ["/no/such/dslc"] });
            if (own === "workspaceFolders") return undefined;
            if (own === "textDocuments") return [];
            if (String(own).startsWith("on")) return event;
            return anything();
          },
        });
      }
      if (name === "window") {
        return new Proxy({}, {
          get(_, own) {
            if (own === "showErrorMessage") return async (text) => void told.push(text);
            if (own === "activeTextEditor") return undefined;
            if (own === "visibleTextEditors") return [];
            if (String(own).startsWith("on")) return event;
            return anything();
          },
        });
      }
      return anything();
    },
  });
  const load = Module._load;
  Module._load = (name, ...rest) => (name === "vscode" ? vscode : load(name, ...rest));
  try {
    const extension = require(bundle);
    await extension.activate({ subscriptions: [], extension: { packageJSON: manifest } });
    assert.deepEqual([...commands.keys()].sort(), manifest.contributes.commands.map((each) => each.command).sort());
    const own = () => told.filter((text) => /`\/no\/such\/dslc lsp` does not start .*pip install "dslc\[lsp\]"/.test(text)).length;
    assert.equal(own(), 1, told.join("\n"));
    await commands.get("dslc.restart")();
    assert.equal(own(), 2, "a start that failed does not keep from another");
    await extension.deactivate();
  } finally {
    Module._load = load;
  }
});
