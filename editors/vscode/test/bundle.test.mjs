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

/** The bundle with an editor whose `dslc.command` is `command`: its commands by name, and what it told the user. */
function editor(command) {
  const commands = new Map();
  const told = [];
  const event = () => ({ dispose() {} });
  const used = ["commands", "workspace", "window", "Uri", "ViewColumn", "ProcessExecution", "Task", "TaskScope", "tasks"];
  const own = {
    version: "1.91.0",
    commands: { registerCommand: (id, action) => (commands.set(id, action), event()), executeCommand: async () => {} },
    workspace: {
      getConfiguration: () => ({ get: (name) => (name === "command" ? command() : undefined) }),
      workspaceFolders: undefined,
      textDocuments: [],
    },
    window: {
      showErrorMessage: async (text) => void told.push(text),
      showWarningMessage: async (text) => void told.push(text),
      activeTextEditor: undefined,
      visibleTextEditors: [],
    },
  };
  const part = (known) =>
    new Proxy({}, { get: (_, name) => (name in known ? known[name] : String(name).startsWith("on") ? event : anything()) });
  const vscode = new Proxy({}, {
    ownKeys: () => used,
    getOwnPropertyDescriptor: () => ({ configurable: true, enumerable: true }),
    get: (_, name) => (name === "version" ? own.version : name in own ? part(own[name]) : anything()),
  });
  const load = Module._load;
  Module._load = (name, ...rest) => (name === "vscode" ? vscode : load(name, ...rest));
  try {
    delete require.cache[bundle];
    return { extension: require(bundle), commands, told };
  } finally {
    Module._load = load;
  }
}

const context = { subscriptions: [], extension: { packageJSON: manifest } };

test("it registers its commands, and says what to install where the server does not start", async () => {
  const { extension, commands, told } = editor(() => ["/no/such/dslc"]);
  await extension.activate(context);
  assert.deepEqual([...commands.keys()].sort(), manifest.contributes.commands.map((each) => each.command).sort());
  const own = () => told.filter((text) => /`\/no\/such\/dslc lsp` does not start .*pip install "dslc\[lsp\]"/.test(text)).length;
  assert.equal(own(), 1, told.join("\n"));
  await commands.get("dslc.restart")();
  assert.equal(own(), 2, "a start that failed does not keep from another");
  await extension.deactivate();
});

/** A server that says its version, and ends when it is asked to. */
const SERVER = `
let text = Buffer.alloc(0);
const send = (id, result) => {
  const body = JSON.stringify({ jsonrpc: "2.0", id, result });
  process.stdout.write("Content-Length: " + Buffer.byteLength(body) + "\\r\\n\\r\\n" + body);
};
process.stdin.on("data", (more) => {
  text = Buffer.concat([text, more]);
  for (;;) {
    const found = /Content-Length: (\\d+)\\r\\n\\r\\n/.exec(text.toString("latin1"));
    if (found === null || text.length < found.index + found[0].length + Number(found[1])) return;
    const start = found.index + found[0].length;
    const { id, method } = JSON.parse(text.subarray(start, start + Number(found[1])).toString());
    text = text.subarray(start + Number(found[1]));
    if (method === "exit") process.exit(0);
    if (id !== undefined) send(id, method === "initialize" ? { capabilities: {}, serverInfo: { name: "dslc", version: process.argv[1] } } : null);
  }
});
`;

test("a server that does not fit is told of when it starts, one that fits is not", { timeout: 30_000 }, async () => {
  let version = manifest.version;
  const { extension, commands, told } = editor(() => [process.execPath, "-e", SERVER, version]);
  await extension.activate(context);
  assert.deepEqual(told, []);
  version = "9.0.0";
  await commands.get("dslc.restart")();
  assert.equal(told.length, 1, told.join("\n"));
  assert.match(told[0], new RegExp(`server is 9\\.0\\.0 and this extension is for ${manifest.version}.*update this extension`));
  await extension.deactivate();
});
