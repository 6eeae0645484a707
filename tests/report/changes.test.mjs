// What the page of `dslc diff --html` computes is what `dslc diff` says, of every layer and in total, at other sizes too.
// `PYTHON` names the Python that has dslc.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import test from "node:test";
import { Changes, unfold } from "../../dslc/reports/report/page/changes.mjs";
import { View } from "../../dslc/reports/report/page/view.mjs";

const here = new URL(".", import.meta.url).pathname;
const made = execFileSync(process.env.PYTHON ?? "python3", [`${here}pairs.py`], { maxBuffer: 2 ** 30, cwd: `${here}../..` });

for (const { name, document, wanted } of JSON.parse(made)) {
  unfold(document.diff, document.nets);
  const views = document.nets.map((net) => new View(net));
  for (const view of views) view.start(() => false);
  const changes = new Changes(document.diff, views);
  for (const { at, record } of wanted) {
    test(`${name} at ${JSON.stringify(at)}`, () => {
      for (const view of views) {
        view.sizes = { ...view.first };
        view.take({ ...at });
        view.compute(document.devices[0], "fp32");
      }
      const layers = record.layers.slice(1); // the first is the net itself
      assert.equal(document.diff.changes.length, layers.length);
      let compared = 0;
      const keys = views[1].at.metrics.filter((metric) => metric.name in layers[0].delta).map((metric) => [metric.name, metric.key]);
      assert.ok(keys.length >= 4);
      layers.forEach((layer, i) => {
        const change = document.diff.changes[i];
        for (const [side, view] of [["a", views[0]], ["b", views[1]]]) {
          assert.equal(change[side] === null ? null : view.tree.rows[change[side]].path, layer[side]?.path ?? null);
        }
        if (!Object.keys(at).length) assert.equal(change.status, layer.status);
        for (const [metric, key] of keys) {
          assert.equal(changes.delta(key, change), layer.delta[metric] ?? 0, `${metric} of ${(layer.b ?? layer.a).path}`);
          compared += 1;
        }
      });
      assert.ok(compared > 100);
      const [a, b] = views.map((view) => new Map(view.at.totals().map((total) => [total.name, total])));
      for (const total of record.totals) {
        const [before, now] = [a.get(total.name), b.get(total.name)];
        if (!before || before.fixed || now.fixed) continue;
        assert.equal(before.value, total.a, total.name);
        assert.equal(now.value, total.b, total.name);
      }
    });
  }
}

test("a layer and what stands for it in the other network are marked", () => {
  const [{ document }] = JSON.parse(made);
  const views = document.nets.map((net) => new View(net));
  for (const view of views) view.start(() => false);
  const changes = new Changes(document.diff, views);
  const row = (side, path) => views[side].tree.rows.find((each) => each.path === path && !each.times);
  assert.equal(changes.partner(0, row(0, "layer1.0.conv1")), row(1, "layer1.0.conv1"));
  assert.deepEqual(views[1].mark(row(1, "layer1.2")), ["d-added", "+"]);
  assert.equal(changes.partner(1, row(1, "layer1.2")), null);
  assert.deepEqual(views[0].mark(row(0, "layer1")), ["d-changed", "~"]);
  assert.deepEqual(views[0].mark(row(0, "conv1")), ["d-same", ""]);
});
