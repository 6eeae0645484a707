// The page of `dslc report` in Chromium: what a reader sees, by pointer, keyboard and screen reader.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { opened, python, shot, sound } from "./browser.mjs";

const folder = mkdtempSync(join(tmpdir(), "report-"));
test.after(() => rmSync(folder, { recursive: true }));

// The path of a page that `dslc report ...args` writes.
function reported(name, ...args) {
  const path = join(folder, `${name}.html`);
  python("-m", "dslc", "report", ...args, "-o", path);
  return path;
}

// The path of a program with a text.
function program(name, text) {
  const path = join(folder, `${name}.dl`);
  writeFileSync(path, text);
  return path;
}

const page = async (t, path, options) => opened(t, `file://${path}`, options);
const total = (page, name) => page.locator(`#totals .tile:has(dt:text-is("${name}")) dd`).innerText();
const box = (page, name) => page.locator("#graph").getByRole("button", { name });

const RESNET18 = reported("resnet18", "zoo:resnet", "--net", "resnet18");

for (const colorScheme of ["light", "dark"]) {
  test(`axe-core finds nothing, ${colorScheme}`, async (t) => {
    const here = await page(t, RESNET18, { colorScheme });
    await sound(here);
    await here.locator("#heat").selectOption("macs");
    await here.locator("#open").click();
    await here.locator("#search").fill("conv");
    await sound(here);
    await shot(here, `report-${colorScheme}`);
  });
}

test("resnet152 is drawn, and a click answered, in under a second", async (t) => {
  const path = reported("resnet152", "zoo:resnet", "--net", "resnet152");
  assert.ok(statSync(path).size < 500_000);
  const here = await page(t, path);
  const start = performance.now();
  await here.reload();
  await here.locator("#graph .box").first().waitFor();
  await box(here, /^conv1:/).click();
  await here.locator("#details h2:text-is(\"conv(64, 7, s=2, bias=false)\")").waitFor();
  assert.ok(performance.now() - start < 1000, `${performance.now() - start} ms`);
});

test("a size moves every number, and what it must not be is said", async (t) => {
  const here = await page(t, RESNET18);
  const stats = (size) => JSON.parse(python("-m", "dslc", "stats", "zoo:resnet", "--net", "resnet18", "--size", `H=${size},W=${size}`, "--format", "json"));
  assert.equal(await total(here, "MACs"), "1.814 G");
  await here.locator("#size-H").fill("320");
  await here.locator("#size-W").fill("320");
  const macs = stats(320).totals.macs.value;
  const exact = (name) => here.locator(`#totals .tile:has(dt:text-is("${name}")) dd span`).first().getAttribute("title");
  assert.equal(await exact("MACs"), macs.toLocaleString("en"));
  await here.locator("#graph text", { hasText: "80×80" }).first().waitFor();
  await here.locator("#size-H").fill("0");
  await here.locator("#sizes .wrong", { hasText: "H" }).waitFor();
  assert.equal(await exact("MACs"), macs.toLocaleString("en"));
});

test("a layer is found by name, op and shape, and shown with its lines", async (t) => {
  const here = await page(t, RESNET18);
  const search = here.locator("#search");
  await search.fill("layer3.1.bn2");
  await search.press("Enter");
  await here.locator('#details p.muted:text-is("layer3.1.bn2")').waitFor();
  assert.equal(await box(here, /^layer3.1.bn2:/).count(), 1);
  const marked = await here.locator("#details .source .marked").allInnerTexts();
  assert.ok(marked.some((line) => line.includes("bn")) && marked.some((line) => line.includes("nn.BatchNorm2d")), marked.join("\n"));
  for (const [words, count] of [["maxpool", 1], ["512×7×7", null], ["nothing of that name", 0]]) {
    await search.fill(words);
    const said = await here.locator("#count").innerText();
    assert.match(said, count === null ? /^\d+ found/ : new RegExp(`^${count} found`), words);
  }
});

test("the keyboard goes through the boxes, opens parts, and chooses", async (t) => {
  const here = await page(t, RESNET18);
  const part = box(here, /^layer4:/);
  const opened = await part.getAttribute("aria-expanded");
  await part.focus();
  await here.keyboard.press(" ");
  assert.notEqual(await part.getAttribute("aria-expanded"), opened);
  await here.keyboard.press("Enter");
  await here.locator('#details p.muted:text-is("layer4")').waitFor();
  const scale = () => here.locator("#graph").getAttribute("data-scale").then(Number);
  const before = await scale();
  await here.keyboard.press("+");
  assert.ok((await scale()) > before);
  await here.locator("#graph").focus();
  await here.keyboard.press("0");
  await here.keyboard.press("Tab");
  assert.equal(await here.evaluate(() => document.activeElement.dataset.row), "0");
});

test("the pointer moves the picture without choosing", async (t) => {
  const here = await page(t, RESNET18);
  const name = await here.locator("#details h2").innerText();
  const place = await box(here, /^maxpool:/).boundingBox();
  await here.mouse.move(place.x + 10, place.y + 10);
  await here.mouse.down();
  await here.mouse.move(place.x + 60, place.y + 40, { steps: 4 });
  await here.mouse.up();
  const now = await box(here, /^maxpool:/).boundingBox();
  assert.ok(Math.abs(now.x - place.x - 50) < 2 && Math.abs(now.y - place.y - 30) < 2);
  assert.equal(await here.locator("#details h2").innerText(), name);
});

test("networks are tabs, a sweep is sliders", async (t) => {
  const text = "net first(width: int = 8, depth: int = 1) on x[N, 3, H=32, W=32]:\n    conv(width, 3)\n    for i in range(depth):\n        conv(width, 3) -> relu\n    gap -> flatten -> linear(10)\n";
  const sweep = await page(t, reported("sweep", program("first", text), "--sweep", "width=4,8,16", "--sweep", "depth=1,2"));
  const params = async (width, depth) => {
    await sweep.locator("#point-width").fill(String(width));
    await sweep.locator("#point-depth").fill(String(depth));
    return sweep.locator("#totals dd").first().innerText();
  };
  assert.equal(await sweep.locator("#point-width").getAttribute("aria-valuetext"), "8");
  const found = [];
  for (const width of [0, 1, 2]) for (const depth of [0, 1]) found.push(await params(width, depth));
  assert.equal(new Set(found).size, 6);
  await sound(sweep);

  const both = await page(t, reported("both", program("first", text), "zoo:lenet"));
  await both.getByRole("tab").nth(0).focus();
  await both.keyboard.press("ArrowRight");
  assert.equal(await both.locator("h1").innerText(), "lenet");
  const last = both.locator("#graph [data-row]").nth(3);
  await last.click();
  assert.ok((await last.locator("title").textContent()).startsWith(`${await both.locator("#details p.muted").first().innerText()}:`));
  await sound(both);
});

const HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>";

test("mistakes stand above what is known; no text of a program is run", async (t) => {
  const text = `## ${HOSTILE}\nnet small on x[N, 3, H=32, W=32]:  # ${HOSTILE}\n    conv(8, 3) -> relu -> gap -> flatten -> linear(10)\n\nnet other on x[N, 3, H=32, W=32]:\n    conv(8, 3) as first\n    relu -> linear(4)\n`;
  const path = join(folder, "wrong.html");
  const status = python("-c", "import subprocess, sys; print(subprocess.run([sys.executable, '-m', 'dslc', 'report', *sys.argv[1:]], capture_output=True).returncode)", program("wrong", text), "-o", path);
  assert.equal(status.trim(), "1");
  const here = await page(t, path);
  assert.match(await here.locator("#problems").innerText(), /1 mistake[^]*E0309[^]*\[N, 8, H, W\]/);
  assert.match(await here.locator("#doc").innerText(), /onerror/);
  assert.equal(await here.locator("img").count(), 0);
  assert.equal(await here.locator("script").count(), 2);
  await sound(here);
});

test("print shows all, without what can only be moved", async (t) => {
  const here = await page(t, RESNET18, { colorScheme: "light" });
  await here.emulateMedia({ media: "print" });
  for (const [id, shown] of [["search", false], ["size-H", false], ["graph", true], ["table", true], ["memory", true]]) {
    assert.equal(await here.locator(`#${id}`).isVisible(), shown, id);
  }
  const wide = await here.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
  assert.ok(wide[0] <= wide[1] + 1, wide.join(" > "));
  if (process.env.SHOTS) await here.pdf({ path: `${process.env.SHOTS}/report.pdf`, format: "A4", printBackground: true });
});

test("a telephone's width needs no sliding aside", async (t) => {
  const here = await page(t, RESNET18, { viewport: { width: 390, height: 800 } });
  const [all, seen] = await here.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
  assert.ok(all <= seen, `${all} px in ${seen}`);
  await sound(here);
  await shot(here, "report-narrow");
});
