// What of the extension needs no editor: which net is meant, whether versions fit, the pages beside the text.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { escaped, misfit, netAt, page, run, still } from "../dist/parts.mjs";

const root = fileURLToPath(new URL("../../..", import.meta.url));
process.env.PYTHONPATH = root;
const dslc = [process.env.PYTHON ?? "python3", "-m", "dslc"];
const folder = mkdtempSync(join(tmpdir(), "dslc-test-"));
after(() => rmSync(folder, { recursive: true }));

function program(name, text) {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const NETS = "## One.\nnet one on x[N, 3, 8, 8]:\n    conv(8, 3) as first\n\n\nnet two on x[N, 3, 8, 8]:\n    conv(8, 3) as second\n";

test("the net of a line is the one whose header is above", () => {
  assert.equal(netAt(NETS, 0), "one");
  assert.equal(netAt(NETS, 2), "one");
  assert.equal(netAt(NETS, 5), "two");
  assert.equal(netAt(NETS.replaceAll("\n", "\r\n"), 99), "two");
  assert.equal(netAt("# net no on\nblock b(out: int): conv(out)\n", 1), undefined);
});

test("a server of another version is told of, with what helps", () => {
  assert.equal(misfit("0.1.0", "0.1.0"), undefined);
  assert.equal(misfit("0.1.7", "0.1.0"), undefined);
  assert.match(misfit("0.1.0", "0.2.0"), /server is 0\.1\.0 and this extension is for 0\.2\.0.*pip install/);
  assert.match(misfit("1.0.0", "0.2.0"), /update this extension/);
  assert.match(misfit(undefined, "0.2.0"), /does not say its version/);
});

test("the picture of a net is drawn, that of the net that is meant", async () => {
  const file = program("nets.dl", NETS);
  const made = await page("picture", dslc, file, "two");
  assert.equal(made.scripts, false);
  assert.match(made.html, /<body><svg/);
  assert.match(made.html, /second/);
  assert.doesNotMatch(made.html, /first/);
});

test("what is wrong with a program is a page, as text", async () => {
  const made = await page("picture", dslc, program("bad.dl", "net f on x[N, 3, 8, 8]:\n    conv(8, 3) -> <b>\n"), "f");
  assert.match(made.html, /<pre>error\[E0/);
  assert.doesNotMatch(made.html, /<b>/);
});

test("nothing of a program becomes markup or runs", async () => {
  const hostile = "## </title><script>alert(1)</script>\nnet f on x[N, 3, 8, 8]:\n    conv(8, 3) -> flatten\n";
  const made = await page("picture", dslc, program("hostile.dl", hostile), undefined);
  assert.doesNotMatch(made.html, /<script/i);
  assert.match(made.html, /default-src 'none'/);
  assert.equal(escaped("<img src=x onerror='a'>&"), "&#60;img src=x onerror=&#39;a&#39;&#62;&#38;");
  assert.doesNotMatch(still("<script>", ""), /<script/);
});

test("a command that does not start, or takes too long, is told of", async () => {
  assert.equal((await run(["/no/such/dslc"], ["picture"], folder)).status, 127);
  const made = await page("picture", ["/no/such/dslc"], program("nets.dl", NETS), "one");
  assert.match(made.html, /ENOENT/);
  const slow = await run([process.execPath, "-e"], ["setTimeout(() => {}, 9000)"], folder, 300);
  assert.equal(slow.status, 124);
});

test("a report is the page that dslc makes, with mistakes on top", async () => {
  const made = await page("report", dslc, program("nets.dl", NETS), "one");
  assert.ok(made.scripts && made.html.includes("</html>"));
  assert.match(made.html, /default-src 'none'; script-src 'sha256-/);
  const wrong = await page("report", dslc, program("wrong.dl", NETS.replace("conv(8, 3) as second", "conv(8, 3) -> rleu")), undefined);
  assert.ok(wrong.scripts && /rleu/.test(wrong.html));
});

test("a report of what cannot be read says why, and runs nothing", async () => {
  const made = await page("report", dslc, join(folder, "nowhere.dl"), undefined);
  assert.equal(made.scripts, false);
  assert.match(made.html, /<pre>error\[/);
});

test("the extension names the commands and files that it has", () => {
  const manifest = JSON.parse(readFileSync(join(root, "editors/vscode/package.json"), "utf8"));
  const source = readFileSync(join(root, "editors/vscode/src/extension.ts"), "utf8");
  const registered = [...source.matchAll(/register\("([\w.]+)"/g)].map((found) => found[1]);
  assert.deepEqual(manifest.contributes.commands.map((each) => each.command).sort(), registered.sort());
});
