// The server that dslc has, as the extension meets it: versions fit, mistakes come, lenses carry commands that are there.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { misfit } from "../dist/parts.mjs";

const require = createRequire(import.meta.url);
const { createProtocolConnection, StreamMessageReader, StreamMessageWriter } = require("vscode-languageserver-protocol/node");
const root = fileURLToPath(new URL("../../..", import.meta.url));
const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url)));

const PROGRAM = "## A small one.\nnet small on image[N, 3, H=32, W=32]:\n    conv(16, 3) -> bn -> relu\n    gap -> flatten -> linear(10)\n";

test("the server of this checkout", { timeout: 60_000 }, async () => {
  const server = spawn(process.env.PYTHON ?? "python3", ["-m", "dslc", "lsp"], { env: { ...process.env, PYTHONPATH: root } });
  const ended = new Promise((resolve) => server.once("exit", resolve));
  const connection = createProtocolConnection(new StreamMessageReader(server.stdout), new StreamMessageWriter(server.stdin));
  connection.listen();
  try {
    const settings = Object.fromEntries(["hints", "cursorLine", "lens"].map((name) => [name, manifest.contributes.configuration.properties[`dslc.${name}`].default]));
    const answer = await connection.sendRequest("initialize", { processId: process.pid, rootUri: null, capabilities: {}, initializationOptions: { ...settings, commands: true } });
    assert.equal(answer.serverInfo.name, "dslc");
    assert.equal(misfit(answer.serverInfo.version, manifest.version), undefined);
    await connection.sendNotification("initialized", {});

    const uri = "file:///tmp/small.dl";
    const told = [];
    let wake = () => {};
    connection.onNotification("textDocument/publishDiagnostics", (sent) => (told.push(sent), wake()));
    const until = async (holds) => {
      while (!told.some(holds)) await new Promise((resolve) => (wake = resolve));
    };
    await connection.sendNotification("textDocument/didOpen", { textDocument: { uri, languageId: "dl", version: 1, text: PROGRAM.replace("relu", "rulu") } });
    await until((sent) => sent.diagnostics.some((each) => each.code === "E0201"));
    await connection.sendNotification("dslc/cursor", { uri, line: 2 });
    await connection.sendNotification("textDocument/didChange", { textDocument: { uri, version: 2 }, contentChanges: [{ text: PROGRAM }] });
    told.length = 0;
    await until((sent) => sent.diagnostics.every((each) => each.code !== "E0201"));

    let lenses = [];
    while (lenses.length < 4) lenses = await connection.sendRequest("textDocument/codeLens", { textDocument: { uri } }); // costs come after mistakes
    const here = new Set([...manifest.contributes.commands.map((each) => each.command), ...answer.capabilities.executeCommandProvider.commands]);
    assert.deepEqual(lenses.map((each) => each.command.command).filter((each) => !here.has(each)), []);
    assert.deepEqual(lenses.find((each) => each.command.command === "dslc.picture").command.arguments, [uri, "small"]);
    await connection.sendRequest("shutdown");
    await connection.sendNotification("exit");
    assert.equal(await ended, 0);
  } finally {
    connection.dispose();
    server.kill();
  }
});
