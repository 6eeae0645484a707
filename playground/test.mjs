// The playground in Chromium as a reader uses it: a mistake is seen, its fix applied, a size moved, PyTorch copied.
// `CHROMIUM` names the browser; `PYTHON` the Python that serves.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chromium } from "playwright-core";

const root = new URL("..", import.meta.url).pathname;
const served = spawn(process.env.PYTHON ?? "python3", ["-m", "dslc", "playground", "--port", "0"], { cwd: root, stdio: ["ignore", "pipe", "inherit"] });
let browser;
try {
  const [line] = await once(served.stdout, "data");
  const url = String(line).match(/http:\S+/)[0];
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, permissions: ["clipboard-read", "clipboard-write"] });
  const page = await context.newPage();
  const faults = [];
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("console", (message) => { if (message.type() === "error") faults.push(message.text()); });
  page.on("request", (request) => { if (!/^(data|blob):/.test(request.url()) && !request.url().startsWith(new URL(url).origin)) faults.push(`asks ${request.url()}`); });
  const start = Date.now();
  await page.goto(url);

  await page.locator("#problems .error").waitFor({ timeout: 60_000 });
  console.log(`first answer after ${Date.now() - start} ms`);
  assert.match(await page.locator("#problems").innerText(), /rleu/);
  if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/mistake.png` });
  await page.locator("#problems .fix").first().click();
  await page.locator("#picture svg").waitFor();
  assert.equal(await page.locator("#problems .error").count(), 0);
  assert.match(await page.locator(".cm-content").innerText(), /relu/);
  if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/picture.png` });

  await page.locator("#sizes input[name=H]").fill("64");
  await page.waitForFunction(() => document.querySelector("#picture").textContent.includes("64"));
  await page.locator("#tab-table").click();
  assert.match(await page.locator("#table").innerText(), /params .*5,466/);
  if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/table.png` });
  await page.locator("#tab-table").press("ArrowRight");
  await page.locator("#copy").click();
  assert.match(await page.evaluate(() => navigator.clipboard.readText()), /class Small\(nn\.Module\)/);

  await page.locator(".cm-content").click();
  await page.keyboard.press("Control+a");
  await page.keyboard.insertText("net typed on x[N, 8]:\n    linear(3) as head -> sotfmax\n");
  await page.locator("#problems .error").waitFor();
  assert.match(await page.locator("#problems").innerText(), /sotfmax/);
  await page.locator("#problems .fix").first().click();
  await page.locator("#problems .error").waitFor({ state: "detached" });
  await page.waitForFunction(() => document.querySelector("#torch pre").textContent.includes("class Typed"));
  assert.equal(await page.locator("img").count(), 0);

  await page.waitForTimeout(200);
  const other = await context.newPage();
  await other.goto(page.url());
  await other.waitForFunction(() => document.querySelector(".cm-content").textContent.includes("net typed"));
  await other.close();

  await page.locator("#example").selectOption("resnet");
  await page.waitForFunction(() => document.querySelector("#torch pre").textContent.includes("class ResNet18") || document.querySelector("#net").value === "resnet18", null, { timeout: 30_000 });
  await page.waitForFunction(() => document.querySelector("#status").textContent.endsWith("ms"));
  if (process.env.SHOTS) { await page.locator("#tab-picture").click(); await page.waitForTimeout(1500); await page.screenshot({ path: `${process.env.SHOTS}/resnet.png` }); }
  console.log(`resnet18: ${await page.locator("#status").innerText()}`);
  assert.deepEqual(faults, []);
  console.log("playground: all held");
} finally {
  await browser?.close();
  served.kill();
}
