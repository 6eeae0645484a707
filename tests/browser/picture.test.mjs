// The page of `dslc picture -o net.html` in Chromium: what is written can be read, by day and by night.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { opened, python, shot, sound } from "./browser.mjs";

const folder = mkdtempSync(join(tmpdir(), "picture-"));
test.after(() => rmSync(folder, { recursive: true }));

// The address of a page that `dslc picture ...args` writes.
function drawn(name, ...args) {
  const path = join(folder, `${name}.html`);
  python("-m", "dslc", "picture", ...args, "-o", path);
  return `file://${path}`;
}

// Texts of boxes that go over their edges, and texts that lie on others, as this machine's font has them.
const overflowing = (page) => page.evaluate(() => [...document.querySelectorAll("svg g > rect")].flatMap((rect) =>
  [...rect.parentNode.querySelectorAll("text:not(.t)")].filter((text) => text.getBBox().width > rect.getBBox().width).map((text) => text.textContent)));
const overlapping = (page) => page.evaluate(() => {
  const texts = [...document.querySelectorAll("svg text")].map((text) => [text.textContent, text.getBoundingClientRect()]);
  return texts.flatMap(([a, one], i) => texts.slice(i + 1)
    .filter(([, two]) => one.left < two.right - 1 && two.left < one.right - 1 && one.top < two.bottom - 4 && two.top < one.bottom - 4)
    .map(([b]) => `${a} | ${b}`));
});

for (const colorScheme of ["light", "dark"]) {
  test(`axe-core finds nothing, ${colorScheme}`, async (t) => {
    const page = await opened(t, drawn("vit", "zoo:vit", "--net", "vit_b_16", "--heat", "params"), { colorScheme });
    await sound(page);
    await shot(page, `picture-${colorScheme}`);
    const paper = await page.locator("svg .w").evaluate((rect) => getComputedStyle(rect).fill);
    assert.equal(paper, colorScheme === "dark" ? "rgb(29, 36, 48)" : "rgb(255, 255, 255)");
  });
}

for (const [name, ...args] of [
  ["resnet18", "zoo:resnet", "--net", "resnet18"],
  ["googlenet", "zoo:googlenet", "--net", "googlenet"],
  ["vit_b_16", "zoo:vit", "--net", "vit_b_16", "--heat", "macs"],
  ["swin_t", "zoo:swin", "--net", "swin_t"],
  ["unet", "zoo:unet"],
  ["mobilenet", "zoo:mobilenet_v3", "--net", "mobilenet_v3_small"],
  ["bert", "zoo:bert", "--net", "bert_base", "--heat", "params"],
]) {
  test(`the texts of ${name} are within their boxes and apart`, async (t) => {
    const page = await opened(t, drawn(name, ...args));
    assert.ok(await page.locator("svg text").count() > 20);
    assert.deepEqual(await overflowing(page), []);
    assert.deepEqual(await overlapping(page), []);
  });
}

test("what a program writes is text", async (t) => {
  const path = join(folder, "net.dl");
  const words = "</title></svg><img src=x onerror=alert(1)><script>alert(2)</script>";
  writeFileSync(path, `block b(words: str) on x[N, C]: linear(C)\n\nnet f on x[N, 8]: b("${words}") -> relu\n`);
  const page = await opened(t, drawn("hostile", path, "--depth", "1"));
  assert.equal(await page.locator("img, script, iframe, a").count(), 0);
  assert.ok((await page.locator("svg").textContent()).includes(words));
});
