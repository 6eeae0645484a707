// What the tests of pages share: Chromium, a server, axe-core. A test is a file `*.test.mjs` beside this one:
//
//     import { opened, sound } from "./browser.mjs";
//     test("words", async (t) => {
//       const page = await opened(t, "file:///tmp/report.html", { colorScheme: "dark" });
//       await sound(page);
//     });
//
// `CHROMIUM` names the browser, `PYTHON` the Python that has dslc; pictures for looking at go to the folder `SHOTS`.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after } from "node:test";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

export const root = fileURLToPath(new URL("../..", import.meta.url));
const interpreter = process.env.PYTHON ?? "python3";
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

let started;
const browser = () => (started ??= chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] }));
after(async () => (await started)?.close());

// A page that is open until the test ends. The test fails where the page has an error, opens a dialog, or asks another
// address than its own for anything.
export async function opened(t, url, options = {}) {
  const context = await (await browser()).newContext({ viewport: { width: 1280, height: 800 }, permissions: ["clipboard-read", "clipboard-write"], ...options });
  const faults = [];
  context.on("page", (page) => {
    page.on("pageerror", (error) => faults.push(String(error)));
    page.on("console", (message) => { if (message.type() === "error") faults.push(message.text()); });
    page.on("dialog", (dialog) => { faults.push(`says ${dialog.message()}`); dialog.dismiss(); });
    page.on("request", (request) => {
      const asked = new URL(request.url());
      const own = asked.protocol === "file:" ? asked.href.split("#")[0] === url.split("#")[0] : asked.origin === new URL(url).origin;
      if (!own && !["data:", "blob:"].includes(asked.protocol)) faults.push(`asks ${asked.href}`);
    });
  });
  t.after(async () => {
    await context.close();
    assert.deepEqual(faults, []);
  });
  const page = await context.newPage();
  await page.goto(url);
  return page;
}

// What `python ...args` writes, in the repository's root.
export const python = (...args) => execFileSync(interpreter, args, { cwd: root, encoding: "utf8", maxBuffer: 2 ** 26 });

// The address that the first line of a server of `python ...args` names; it is served until the test ends.
export async function served(t, ...args) {
  const server = spawn(interpreter, ["-u", ...args], { cwd: root, stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => server.kill());
  const [line] = await Promise.race([once(server.stdout, "data"), once(server, "exit").then(([code]) => { throw new Error(`the server ended with ${code}`); })]);
  return String(line).match(/http:[^\s)]+/)[0];
}

// Fails where axe-core finds what a reader with a screen reader, a keyboard or weak eyes cannot use.
export async function sound(page) {
  await page.evaluate(axe);
  const found = await page.evaluate(() => globalThis.axe.run());
  assert.deepEqual(found.violations.flatMap(({ id, help, nodes }) => nodes.map((node) => `${id}: ${help}: ${node.target.join(" ")}: ${node.failureSummary}`)), []);
}

// A picture of the page for looking at, where they are asked for.
export async function shot(page, name) {
  if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/${name}.png` });
}
