// The page of `dslc diff --html` in Chromium: two networks beside each other, by pointer, keyboard and screen reader.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { opened, python, shot, sound } from "./browser.mjs";

const folder = mkdtempSync(join(tmpdir(), "diff-"));
test.after(() => rmSync(folder, { recursive: true }));

function compared(name, ...args) {
  const path = join(folder, `${name}.html`);
  python("-m", "dslc", "diff", ...args, "--html", "-o", path);
  return `file://${path}`;
}

const RESNETS = compared("resnets", "zoo:resnet", "--net", "resnet18", "--net", "resnet34");
const box = (page, side, name) => page.locator(`#graph-${side}`).getByRole("button", { name });

for (const colorScheme of ["light", "dark"]) {
  test(`axe-core finds nothing, ${colorScheme}`, async (t) => {
    const page = await opened(t, RESNETS, { colorScheme });
    await sound(page);
    await page.locator("#heat").selectOption("macs");
    await page.locator("#open").click();
    await page.locator("#search").fill("conv");
    await sound(page);
    await shot(page, `diff-${colorScheme}`);
  });
}

test("a layer that is chosen in one is chosen in the other, with the lines of both", async (t) => {
  const page = await opened(t, RESNETS);
  await box(page, 0, /^maxpool:/).click();
  assert.equal(await page.locator(".box.chosen").count(), 2);
  assert.deepEqual(await page.locator("#chosen .half h2").allInnerTexts(), ["maxpool(3, s=2, p=1)", "maxpool(3, s=2, p=1)"]);
  await page.locator("#table").getByRole("button", { name: "2", exact: true }).first().click();
  assert.match(await page.locator("#chosen .change").innerText(), /^added/);
  assert.match(await page.locator("#chosen .half").first().innerText(), /not there/);
  assert.equal(await page.locator("#graph-1 .box.chosen").count(), 1);
});

test("a part opens on both sides", async (t) => {
  const page = await opened(t, RESNETS);
  const before = await box(page, 1, /^layer1\.0:/).getAttribute("aria-expanded");
  await box(page, 0, /^layer1\.0:/).focus();
  await page.keyboard.press(" ");
  assert.notEqual(await box(page, 1, /^layer1\.0:/).getAttribute("aria-expanded"), before);
});

test("a size moves the numbers of both", async (t) => {
  const page = await opened(t, RESNETS);
  for (const name of ["H", "W"]) await page.locator(`#size-${name}`).fill("320");
  const record = JSON.parse(python("-m", "dslc", "diff", "zoo:resnet", "--net", "resnet18", "--net", "resnet34", "--size", "H=320,W=320", "--format", "json"));
  const macs = record.totals.find((total) => total.name === "macs");
  const shown = await page.locator('#totals tr:has(th:text-is("MACs")) td span[title]').evaluateAll((all) => all.map((each) => each.title));
  assert.deepEqual(shown, [macs.a, macs.b].map((number) => number.toLocaleString("en")));
});

test("networks that are the same, and texts that are hostile", async (t) => {
  const path = join(folder, "net.dl");
  writeFileSync(path, '## </script><script>alert(1)</script><img src=x onerror=alert(2)>\nnet small(width: int = 8) on x[N, 3, H=32, W=32]:\n    conv(width, 3) -> relu -> gap -> flatten -> linear(10)\n');
  const same = await opened(t, compared("same", path, path));
  assert.match(await same.locator("#summary").innerText(), /do not differ/);
  const page = await opened(t, compared("wide", path, "--set-b", "width=16"));
  assert.equal(await page.locator("img").count(), 0);
  assert.match(await page.locator("#graph-1").innerHTML(), /out 8 → 16/);
  await sound(page);
});

test("a telephone's width, and paper", async (t) => {
  const wide = (page) => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  const narrow = await opened(t, RESNETS, { viewport: { width: 390, height: 800 } });
  assert.ok((await wide(narrow)) <= 0, `${await wide(narrow)} px too wide`);
  const paper = await opened(t, RESNETS, { viewport: { width: 1000, height: 800 } });
  await paper.emulateMedia({ media: "print" });
  assert.ok((await wide(paper)) <= 1, `${await wide(paper)} px too wide`);
  assert.equal(await paper.locator("#search").isVisible(), false);
  if (process.env.SHOTS) await paper.pdf({ path: `${process.env.SHOTS}/diff.pdf`, format: "A4", printBackground: true });
});
