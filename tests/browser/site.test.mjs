// The documentation's site, with the playground in it, from a plain server of files.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { opened, python, served } from "./browser.mjs";

const site = mkdtempSync(join(tmpdir(), "site-"));
test.after(() => rmSync(site, { recursive: true }));

test("the site has the playground, and is searched without another address", async (t) => {
  python("-m", "sphinx", "-q", "docs", site);
  const address = await served(t, "-m", "http.server", "--bind", "127.0.0.1", "-d", site, "0");
  const page = await opened(t, `${address}playground.html`);
  await page.getByRole("link", { name: "in its folder playground" }).click();
  await page.locator("#problems .error").waitFor({ timeout: 60_000 });
  await page.goto(`${address}search.html?q=dropout`);
  await page.locator("#search-results li a").first().waitFor();
  assert.ok((await page.locator("#search-results li").count()) > 3);
  await page.waitForLoadState("networkidle");
});
