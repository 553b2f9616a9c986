// At 2,000 updates a second: heap flat, nodes constant, event → paint in budget. NHIP_SOAK_S sets the time.
import assert from "node:assert/strict";
import { test } from "node:test";
import { until, withWall } from "./harness.mjs";
import { soak } from "./soak.mjs";

const SOAK_S = Number(process.env.NHIP_SOAK_S ?? 60);
const options = {
  faults: true,
  updates_s: 2000,
  arguments: ["--enable-precise-memory-info"],
};

test(`heap flat and nodes constant over ${SOAK_S} s at 2,000 updates/s`, async (t) => {
  await withWall(options, async ({ page, context, server }) => {
    await soak(t, page, context, { warm_s: 40, soak_s: SOAK_S });
    t.diagnostic(`offset ${server.offset}`);
    assert.deepEqual(page.errors, []);
  });
});

test("event → paint: p95 within 500 ms at 2,000 updates/s", async (t) => {
  await withWall(options, async ({ page, server }) => {
    await page.evaluate(() => {
      window.painted = [];
      const root = document.getElementById("page");
      new MutationObserver(() => window.painted.push([Number(root.dataset.painted), Date.now()])).observe(
        root,
        { attributes: true, attributeFilter: ["data-painted"] },
      );
    });
    const painted = await until("200 paints", 60_000, async () => {
      const list = await page.evaluate(() => window.painted);
      return list.length >= 200 && list;
    });
    const delays = painted
      .filter(([offset]) => server.sent.has(offset))
      .map(([offset, at]) => at - server.sent.get(offset))
      .sort((left, right) => left - right);
    assert.ok(delays.length > 100, "offsets painted are offsets sent");
    const at = (share) => delays[Math.floor(share * (delays.length - 1))];
    t.diagnostic(
      `event → paint p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, worst ${at(1)} ms of ${delays.length}`,
    );
    assert.ok(at(0.95) <= 500, `p95 ${at(0.95)} ms`);
  });
});

test("first paint of names and values within a second", async (t) => {
  await withWall({}, async ({ context, address }) => {
    const page = await context.newPage();
    const start = performance.now();
    await page.goto(`${address}/wall/main`, { waitUntil: "commit" });
    await page.locator(".card .value").nth(7).waitFor({ state: "attached" });
    const painted_ms = performance.now() - start;
    t.diagnostic(`names, map and last values after ${painted_ms.toFixed(0)} ms`);
    assert.ok(painted_ms <= 1000, `${painted_ms} ms`);
  });
});
