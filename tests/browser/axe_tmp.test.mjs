import { test } from "node:test";
import { opened, served, shot, sound } from "./browser.mjs";
for (const colorScheme of ["light", "dark"]) test(`axe ${colorScheme}`, async (t) => {
  const page = await opened(t, await served(t, "-m", "dslc", "playground", "--port", "0"), { colorScheme });
  await page.locator("#problems .error").waitFor({ timeout: 60_000 });
  const errs = [];
  const tryit = async (n) => { try { await sound(page); } catch (e) { errs.push(n + ": " + e.message.slice(0, 1500)); } };
  await tryit("mistake"); await shot(page, `pg-mistake-${colorScheme}`);
  await page.locator("#problems .fix").first().click();
  await page.locator("#picture svg").waitFor();
  for (const tab of ["picture", "table", "torch"]) { await page.locator(`#tab-${tab}`).click(); await tryit(tab); await shot(page, `pg-${tab}-${colorScheme}`); }
  if (errs.length) throw new Error(errs.join("\n"));
});
