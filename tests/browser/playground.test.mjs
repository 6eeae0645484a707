// The playground in Chromium as a new user has it: a net is typed, a mistake seen, its fix applied, a size moved, PyTorch
// copied, a link given away.
import assert from "node:assert/strict";
import { test } from "node:test";
import { opened, python, served, shot, sound } from "./browser.mjs";

const LOADED = { timeout: 60_000 };
const playground = async (t, hash = "", options = {}) => opened(t, (await served(t, "-m", "dslc", "playground", "--port", "0")) + hash, options);
const editor = (page) => page.locator(".cm-content");
const panel = (page, name, words) => page.waitForFunction(([id, text]) => document.getElementById(id).textContent.includes(text), [name, words]);

// Takes the place of what stands in the editor, as if it were pasted.
async function write(page, text) {
  await editor(page).click();
  await page.keyboard.press("Control+a");
  await page.keyboard.insertText(text);
}

const TYPED = ["net small on image[N, 3, H=32, W=32]:", "    conv(16, 3) -> bn -> rleu", "maxpool(2)", "conv(32, 3) -> bn -> relu", "gap -> flatten -> linear(10)"];
const PROGRAM = "net small on image[N, 3, H=32, W=32]:\n    conv(16, 3) -> bn -> relu\n    maxpool(2)\n    conv(32, 3) -> bn -> relu\n    gap -> flatten -> linear(10)\n";

test("ten minutes of a new user", async (t) => {
  const page = await playground(t);
  await page.locator("#problems .error").waitFor(LOADED);
  await shot(page, "mistake");

  // Type a network, letter by letter.
  await editor(page).click();
  await page.keyboard.press("Control+a");
  for (const line of TYPED) {
    await page.keyboard.type(line, { delay: 5 });
    await page.keyboard.press("Escape"); // no word that is offered is taken
    await page.keyboard.press("Enter");
  }
  await page.locator("#problems .error", { hasText: "2:26 error[E0201]: unknown name `rleu`" }).waitFor();
  assert.equal(await page.locator(".cm-lintRange-error").innerText(), "rleu");

  // See where it is, and mend it by the keyboard alone.
  await page.locator("#problems .place").first().focus();
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => getSelection().toString()), "rleu");
  await page.locator("#problems .fix").first().focus();
  await page.keyboard.press("Enter");
  await page.locator("#picture svg").waitFor();
  assert.equal(await page.locator("#problems .error").count(), 0);
  assert.equal((await editor(page).innerText()).trimEnd(), PROGRAM.trimEnd());
  await shot(page, "picture");

  // Move H; look at the numbers; copy the module.
  await page.locator("#sizes input[name=H]").fill("64");
  await panel(page, "picture", "64, 32");
  await page.locator("#tab-picture").press("ArrowRight");
  await panel(page, "table", "5,466");
  await shot(page, "numbers");
  await page.locator("#tab-table").press("ArrowRight");
  await panel(page, "torch", "class Small(nn.Module)");
  await page.locator("#torch .copy").click();
  const wanted = python("-c", "import dslc, sys; print(dslc.compile(sys.argv[1], sizes={'H': 64}).torch_source.replace('<text>', 'net.dl'), end='')", PROGRAM);
  assert.equal((await page.evaluate(() => navigator.clipboard.readText())).trim(), wanted.trim());

  // The graph as text, weights as shapes and initialisers.
  await page.locator("#tab-torch").press("ArrowRight");
  await panel(page, "onnx", 'Conv <dilations: ints = [1, 1]');
  assert.match(await page.locator("#onnx pre").innerText(), /float\[16,3,3,3\] "conv.weight",? {2}# of conv.weight, bn.weight/);
  await shot(page, "onnx");
  await page.locator("#tab-torch").click();

  // A link that holds the program, opened elsewhere.
  await page.locator("#link").click();
  await page.locator("#link", { hasText: "Copied" }).waitFor();
  const link = await page.evaluate(() => navigator.clipboard.readText());
  const other = await page.context().newPage();
  await other.goto(link);
  await panel(other, "editor", "linear(10)");
  await other.close();

  // Examples to start from, one with several nets.
  for (const [name, word] of [["lenet", "class Lenet"], ["resnet", "class Resnet18"], ["unet", "class Unet"]]) {
    await page.locator("#example").selectOption(name);
    await panel(page, "torch", word);
  }
  await page.locator("#example").selectOption("resnet");
  await panel(page, "torch", "class Resnet18");
  await page.locator("#net").selectOption("resnet34");
  await panel(page, "torch", "class Resnet34");
  await page.locator("#tab-picture").click();
  await panel(page, "picture", "layer4");
  await shot(page, "resnet34");
});

for (const colorScheme of ["light", "dark"]) {
  test(`axe-core finds nothing, ${colorScheme}`, async (t) => {
    const page = await playground(t, "", { colorScheme });
    await page.locator("#problems .error").waitFor(LOADED);
    await sound(page);
    await page.locator("#problems .fix").first().click();
    await page.locator("#picture svg").waitFor();
    for (const tab of await page.locator("[role=tab]").all()) {
      await tab.click();
      await page.locator(`#${await tab.getAttribute("aria-controls")} :is(svg, table, pre:not(:empty))`).first().waitFor();
      await sound(page);
    }
    await editor(page).click();
    await page.keyboard.press("Control+End");
    await page.keyboard.type("    lin");
    await page.locator(".cm-tooltip-autocomplete").waitFor();
    await page.locator(".old:visible").first().waitFor();
    await sound(page);
    await shot(page, `completion-${colorScheme}`);
  });
}

test("words are completed, those of std with their use", async (t) => {
  const page = await playground(t);
  await page.locator("#problems .error").waitFor(LOADED);
  await write(page, "net f(width: int = 8) on x[N, 3, 32, 32]:\n    conv(wid");
  await page.keyboard.type("t");
  await page.locator(".cm-tooltip-autocomplete li", { hasText: "width" }).waitFor();
  await page.waitForTimeout(150); // what is offered cannot be taken at once
  await page.keyboard.press("Enter");
  await panel(page, "editor", "conv(width");
  await write(page, "net f on x[N, 8, 32, 32]:\n    talking_head");
  await page.keyboard.type("s");
  await page.locator(".cm-tooltip-autocomplete li", { hasText: "std." }).first().waitFor();
  await page.waitForTimeout(150);
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => /^use std\.\w+: talking_heads/.test(document.querySelector(".cm-content").innerText));
});

const HOSTILE = `## </script><script>alert(1)</script>\nnet small on x[N, 3, H=32, W=32]:  # <img src=x onerror=alert(2)>\n    conv(8, 3) as \`<img src=x onerror=alert(3)>\`\n    rearrange("n c h w -> n c </pre><script>alert(4)</script>")\n`;

test("no text of a program is run, and a link may hold anything", async (t) => {
  const page = await playground(t, "#this-is-no-program");
  await page.locator("#problems .error").waitFor(LOADED);
  await write(page, HOSTILE);
  await page.locator("#problems .error", { hasText: /E0/ }).first().waitFor();
  await write(page, HOSTILE.split("\n").slice(0, 2).join("\n") + "\n    conv(8, 3) as `a<b>&\"c` -> relu\n");
  await page.waitForTimeout(400);
  for (const tab of await page.locator("[role=tab]").all()) {
    await tab.click();
    await page.waitForTimeout(200);
  }
  assert.equal(await page.locator("img, script:not([src])").count(), 0);
  for (const hash of ["#%00", "#AAAA", `#${"A".repeat(5000)}`, "#<script>alert(1)</script>"]) {
    await page.evaluate((words) => { location.hash = words; }, hash);
    await page.waitForTimeout(50);
  }
  await write(page, PROGRAM);
  await page.locator("#tab-torch").click();
  await panel(page, "torch", "class Small");
});

test("what takes too long is given up for what is newer", async (t) => {
  const page = await playground(t);
  await page.locator("#problems .error").waitFor(LOADED);
  await page.locator("#tab-torch").click();
  await write(page, "net long on x[N, 8]:\n    for i in range(9900): linear(8) -> relu\n");
  await page.waitForTimeout(300);
  await write(page, PROGRAM);
  await page.locator("#status", { hasText: "given up" }).waitFor({ timeout: 15_000 });
  await page.waitForFunction(() => document.getElementById("torch").textContent.includes("class Small"), null, LOADED);
});

test("a telephone's width", async (t) => {
  const page = await playground(t, "", { viewport: { width: 390, height: 800 } });
  await page.locator("#problems .fix").first().click(LOADED);
  await page.locator("#picture svg").waitFor();
  const [all, seen] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
  assert.ok(all <= seen, `${all} px in ${seen}`);
  await shot(page, "playground-narrow");
});
