// The numbers that the page of `dslc report` computes are those of `dslc stats`, at other sizes, batches and devices too.
// `PYTHON` names the Python that has dslc.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import test from "node:test";
import { bytesText, secondsText, short } from "../../dslc/reports/report/page/format.mjs";
import { At, Tree } from "../../dslc/reports/report/page/network.mjs";

const here = new URL(".", import.meta.url).pathname;
const made = execFileSync(process.env.PYTHON ?? "python3", [`${here}cases.py`], { maxBuffer: 2 ** 30, cwd: `${here}../..` });
const { devices, texts, nets } = JSON.parse(made);

test("texts of numbers", () => {
  for (const { count, short: text, bytes } of texts.filter((each) => each.count !== undefined)) {
    assert.equal(short(count), text);
    assert.equal(bytesText(count), bytes);
  }
  for (const { seconds, text } of texts.filter((each) => each.seconds)) assert.equal(secondsText(seconds), text);
});

const near = (a, b) => Math.abs(a - b) <= 1e-9 * Math.abs(b);

for (const { name, net, wanted } of nets) {
  const tree = new Tree(net);
  const rows = tree.rows.filter((row) => !row.times);
  for (const { at, device, totals, rows: columns, seconds, arena } of wanted) {
    test(`${name} at ${JSON.stringify(at)} on ${device}`, () => {
      const found = new At(tree, at, devices[device], "fp32");
      let compared = 0;
      for (const total of found.totals().filter((each) => !each.fixed)) {
        assert.equal(total.value, totals[total.name], total.name);
        compared += 1;
      }
      assert.ok(compared >= 7);
      assert.equal(found.memory.arena, arena);
      assert.ok(near(found.roofline.seconds, seconds), "seconds");
      assert.equal(Object.keys(columns).length, found.metrics.length);
      for (const [key, values] of Object.entries(columns)) {
        assert.equal(values.length, rows.length);
        rows.forEach((row, i) => assert.ok(near(found.number(key, row), values[i]), `${key} of ${row.path}`));
      }
    });
  }
}
