// The playground in Chromium as a reader uses it: a mistake is seen, its fix applied, a size moved, PyTorch copied.
import assert from "node:assert/strict";
import { test } from "node:test";
import { opened, served, shot } from "./browser.mjs";

const playground = (t) => served(t, "-m", "dslc", "playground", "--port", "0");

test("a mistake, its fix, numbers of other sizes, PyTorch, a link, an example", async (t) => {
  const page = await opened(t, await playground(t));
  await page.locator("#problems .error").waitFor({ timeout: 60_000 });
  assert.match(await page.locator("#problems").innerText(), /rleu/);
  await shot(page, "mistake");
  await page.locator("#problems .fix").first().click();
  await page.locator("#picture svg").waitFor();
  assert.equal(await page.locator("#problems .error").count(), 0);
  assert.match(await page.locator(".cm-content").innerText(), /relu/);
  await shot(page, "picture");

  await page.locator("#sizes input[name=H]").fill("64");
  await page.waitForFunction(() => document.querySelector("#picture").textContent.includes("64"));
  await page.locator("#tab-table").click();
  assert.match(await page.locator("#table").innerText(), /params .*5,466/);
  await shot(page, "table");
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
  const other = await page.context().newPage();
  await other.goto(page.url());
  await other.waitForFunction(() => document.querySelector(".cm-content").textContent.includes("net typed"));
  await other.close();

  await page.locator("#example").selectOption("resnet");
  await page.waitForFunction(() => document.querySelector("#torch pre").textContent.includes("class Resnet18"), null, { timeout: 30_000 });
});
