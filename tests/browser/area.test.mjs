// The page of one commune on the real program: its figures only, on screen and wire; what nothing feeds says so.
import assert from "node:assert/strict";
import { test } from "node:test";
import { launch, until } from "./harness.mjs";
import { Demo, program } from "./program.mjs";

const WORDS = ["--speed", "30", "--seed", "5"];
/** A demo on a loaded machine tells its past before it lives. */
const VALUE_MAX_MS = 120_000;
const SIZES = [
  [1920, 1080],
  [3840, 2160],
];

async function json(address, path) {
  const response = await fetch(`${address}${path}`);
  return { status: response.status, body: await response.json() };
}

/** All codes a text names, of the profile's. */
const named = (text, codes) => codes.filter((code) => text.includes(`"${code}"`));

test("the page of a commune shows only its area", { skip: program() ? false : "NHIP_BINARY" }, async (t) => {
  const demo = await new Demo(WORDS).start();
  const browser = await launch();
  try {
    const areas = (await json(demo.address, "/api/v1/areas")).body.items;
    const sources = (await json(demo.address, "/api/v1/sources?limit=5000")).body.items;
    const own = sources.find((source) => source.stream === "air" && source.listed).area;
    const commune = areas.find((area) => area.code === own);
    const others = areas.filter((area) => area.code !== own).map((area) => area.code);
    const context = await browser.newContext({ viewport: { width: 1920, height: 1080 } });
    const page = await context.newPage();
    const frames = [];
    page.on("websocket", (socket) => socket.on("framereceived", ({ payload }) => frames.push(String(payload))));
    await page.goto(`${demo.address}/wall/main?area=${own}&lang=vi`);
    await page.locator(".link[data-link=live]").waitFor({ state: "attached", timeout: 20_000 });

    assert.equal(await page.locator("h1").innerText(), commune.name.vi);
    assert.equal(await page.locator(`.card:not([data-area="${own}"])`).count(), 0);
    assert.equal(await page.locator(".cells .commune").count(), 1);
    assert.equal(await page.locator(".cells .outside").count(), areas.filter((area) => area.cell).length - 1);

    const snapshot = (await json(demo.address, `/api/v1/views/main/snapshot?area=${own}`)).body;
    assert.deepEqual([...new Set(snapshot.dict.map((entry) => entry.area))], [own]);
    assert.deepEqual(named(JSON.stringify(snapshot.rows) + JSON.stringify(snapshot.areas), others), ["80"]);
    assert.equal(snapshot.areas[0].parent, "80", "the one place that names the province");
    assert.equal(snapshot.sources.due, sources.filter((source) => source.area === own && source.listed).length);

    await until("a value", VALUE_MAX_MS, async () => {
      const values = await page.locator(`.card[data-area="${own}"] [data-cell=value]`).allInnerTexts();
      return values.some((value) => /^\d/.test(value));
    });
    await until("a delta", VALUE_MAX_MS, () => frames.some((frame) => frame.startsWith('{"t":"d"')));
    const mine = new Set(sources.filter((source) => source.area === own).map((source) => source.source));
    for (const frame of frames) {
      const read = JSON.parse(frame);
      if (read.t === "d") assert.ok(read.u.every(([id]) => id < snapshot.dict.length), frame);
      if (read.t === "ev") assert.ok(mine.has(read.id), `another area's source: ${frame}`);
      if (read.t === "hb") assert.deepEqual([read.badges, read.units], [{}, []]);
      assert.deepEqual(named(frame, others), [], frame);
    }

    const unfed = page.locator("nhip-tile .card", { hasText: "chưa có nguồn" });
    assert.ok((await unfed.count()) > 0, "most communes have no traffic detector");
    const indicator = await unfed.first().getAttribute("data-indicator");
    const figures = (await json(demo.address, `/api/v1/figures?indicator=${indicator}&area=${own}`)).body;
    assert.deepEqual(figures.items, []);
    assert.equal(figures.without_source[0].source_state, "none");
    await unfed.first().click();
    await page.locator("dialog.explain .big", { hasText: "chưa có nguồn" }).waitFor();
    await page.keyboard.press("Escape");
    await page.keyboard.press("l");
    await page.locator("nhip-tile .card", { hasText: "no source yet" }).first().waitFor();

    const past = new Date(snapshot.server_ts + 1000).toISOString();
    const then = await until("the past", VALUE_MAX_MS, async () => {
      const answer = await json(demo.address, `/api/v1/views/main/snapshot?area=${own}&as_of=${past}`);
      return answer.status === 200 && answer.body;
    });
    assert.deepEqual([...new Set(then.dict.map((entry) => entry.area))], [own]);
    assert.equal((await json(demo.address, "/api/v1/views/main/snapshot?area=1")).status, 404);

    if (process.env.NHIP_SHOTS) await pictures(page, `${demo.address}/wall/main?area=${own}`, "area");
    t.diagnostic(`${frames.length} frames of ${own}`);
  } finally {
    await browser.close();
    await demo.end();
  }
});

test("the tiles stand still while the pages take turns", { skip: program() ? false : "NHIP_BINARY" }, async () => {
  const demo = await new Demo(WORDS).start();
  const browser = await launch();
  try {
    const context = await browser.newContext({ viewport: { width: 1920, height: 1080 } });
    const page = await context.newPage();
    await page.goto(`${demo.address}/wall/main?lang=vi`);
    await page.locator(".link[data-link=live]").waitFor({ state: "attached", timeout: 20_000 });
    const places = () =>
      page.evaluate(() =>
        [...document.querySelectorAll("nhip-tile .card, nhip-cartogram")].map((card) => {
          const { x, y, width, height } = card.getBoundingClientRect();
          return [card.dataset.indicator, x, y, width, height].join(" ");
        }),
      );
    const first = await places();
    assert.equal(first.length, 13);
    const seen = new Set();
    await until("three pages", VALUE_MAX_MS, async () => {
      seen.add(await page.locator(".page:not([hidden]) h2").innerText());
      assert.deepEqual(await places(), first, "the primary zone moved");
      return seen.size >= 3;
    });
    if (process.env.NHIP_SHOTS) await pictures(page, `${demo.address}/wall/main`, "province");
  } finally {
    await browser.close();
    await demo.end();
  }
});

/** Two sizes in both languages, for a person to look at. */
async function pictures(page, address, name) {
  for (const [width, height] of SIZES) {
    for (const lang of ["vi", "en"]) {
      await page.setViewportSize({ width, height });
      const joint = address.includes("?") ? "&" : "?";
      await page.goto(`${address}${joint}lang=${lang}`);
      await page.locator(".link[data-link=live]").waitFor({ state: "attached", timeout: 20_000 });
      await page.evaluate(() => document.fonts.ready);
      await until("a line", VALUE_MAX_MS, async () => (await page.locator(".spark-line[d^=M]").count()) > 0);
      await page.screenshot({ path: `${process.env.NHIP_SHOTS}/${name}-${width}x${height}-${lang}.png` });
    }
  }
}
