// The link: cut → banner and ageing tiles without any message; server back → live; a gap → start over.
import assert from "node:assert/strict";
import { test } from "node:test";
import { firstAfter, readTiles, recordLink, until, withWall } from "./harness.mjs";

const CADENCE_S = 2;
const STALE_S = 6;
const options = { faults: true, cadence_s: CADENCE_S, stale_s: STALE_S };

/** Records in the page when each tile changed its freshness, by the machine's clock. */
function recordFreshness() {
  window.changes = [];
  const observer = new MutationObserver((records) => {
    for (const { target } of records) {
      window.changes.push({
        indicator: target.dataset.indicator,
        is: target.dataset.freshness,
        at: Date.now(),
      });
    }
  });
  for (const card of document.querySelectorAll("nhip-tile .card")) {
    observer.observe(card, {
      attributes: true,
      attributeFilter: ["data-freshness"],
    });
  }
}

test("link cut: banner within 4 s, tiles late and stale at their limits ± 1 s with no message", async () => {
  await withWall(options, async ({ page, server }) => {
    await page.evaluate(recordFreshness);
    await page.evaluate(recordLink);
    const heard = server.now();
    server.change(
      server.table.rows.slice(0, 12).map((row) => ({ id: row.id, t: heard, v: row.v ?? 1, q: 0 })),
    );
    await until("fresh tiles", 2000, async () =>
      (await page.evaluate(readTiles)).every((tile) => tile.freshness === "live"),
    );
    server.mute(true);
    const cut = Date.now();
    const banner_ms = (await firstAfter(page, "lost", cut)) - cut;
    assert.ok(banner_ms <= 4000, `banner after ${banner_ms} ms`);
    assert.match(await page.locator(".lost").innerText(), /MẤT KẾT NỐI MÁY CHỦ.*số liệu lúc \d\d:\d\d:\d\d/s);
    await until("stale tiles", (STALE_S + 4) * 1000, async () =>
      (await page.evaluate(readTiles)).every((tile) => tile.freshness === "stale"),
    );
    const changes = await page.evaluate(() => window.changes);
    for (const [is, limit_s] of [
      ["late", 1.5 * CADENCE_S],
      ["stale", STALE_S],
    ]) {
      const those = changes.filter((change) => change.is === is && change.at > heard);
      assert.equal(new Set(those.map((change) => change.indicator)).size, 12, `${is}: all twelve tiles`);
      for (const { indicator, at } of those) {
        const off_s = (at - heard) / 1000 - limit_s;
        assert.ok(Math.abs(off_s) <= 1, `${indicator} went ${is} ${off_s.toFixed(2)} s off its limit`);
      }
    }
    const before = await page.locator(".time").innerText();
    assert.equal(
      before,
      (await page.locator(".lost").innerText()).match(/\d\d:\d\d:\d\d/)[0],
      "a stopped clock",
    );
  });
});

test("server back: live within 3 s, banner gone, new values shown", async () => {
  await withWall({ faults: true }, async ({ page, server }) => {
    await page.evaluate(recordLink);
    await server.stop();
    await page.locator(".lost").waitFor({ state: "visible", timeout: 6000 });
    const back = Date.now();
    await server.start();
    const times = [await firstAfter(page, "live", back), await firstAfter(page, "found", back)];
    const live_ms = Math.max(...times) - back;
    assert.ok(live_ms <= 3000, `live after ${live_ms} ms`);
    server.change([{ id: 0, v: 77.7, t: server.now() }]);
    await until("the new value", 1000, async () => (await page.evaluate(readTiles))[0].value === "77,7");
  });
});

test("a dropped frame is noticed, and the table is right within 2 s", async () => {
  await withWall({ faults: true }, async ({ page, server }) => {
    server.change([{ id: 0, v: 11.1, t: server.now() }]);
    await until("11,1", 1000, async () => (await page.evaluate(readTiles))[0].value === "11,1");
    server.change([{ id: 0, v: 22.2, t: server.now() }], true);
    server.change([{ id: 1, v: 33.3, t: server.now() }]);
    await until("both values", 2000, async () => {
      const tiles = await page.evaluate(readTiles);
      return tiles[0].value === "22,2" && tiles[1].value === "33,3";
    });
  });
});

test("an error is said, tried again, and never looks like an empty screen", async () => {
  await withWall({ faults: true }, async ({ context, server }) => {
    const page = await context.newPage();
    await page.route("**/snapshot", (route) => route.fulfill({ status: 503, body: "{}" }));
    await page.goto(`${server.base}/wall/main`);
    await page.getByText("mã 503").waitFor({ timeout: 4000 });
    assert.equal(await page.locator(".card").count(), 0);
    await page.unroute("**/snapshot");
    await page.locator(".card").first().waitFor({ timeout: 6000 });
  });
});
