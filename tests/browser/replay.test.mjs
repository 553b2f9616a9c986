// A replay on the real program (NHIP_BINARY): the band, equal values, no socket, keys, both languages, the present.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, openWall, readTiles, until } from "./harness.mjs";
import { Demo, program } from "./program.mjs";

const VALUES_MAX_MS = 60_000;
const RUNS = program() !== null;
const check = RUNS ? test : () => {};

if (!RUNS) console.log("SKIPPED replay.test.mjs: NHIP_BINARY is not set");

let browser;
let demo;
/** A moment the demo lived through with a value on every tile. */
let moment = "";

before(async () => {
  if (!RUNS) return;
  [browser, demo] = await Promise.all([
    launch(),
    new Demo(["--seed", "3", "--speed", "30"]).start(),
  ]);
  const context = await browser.newContext();
  const page = await openWall(context, demo.address);
  await until("a value on every tile", VALUES_MAX_MS, async () =>
    (await page.evaluate(readTiles)).every((tile) => /\d/.test(tile.value)),
  );
  const live = await snapshot("");
  moment = new Date(live.server_ts).toISOString();
  // The replay needs a stretch of past behind it.
  await until("two minutes more", VALUES_MAX_MS, async () => {
    const { server_ts } = await snapshot("");
    return server_ts > live.server_ts + 120_000;
  });
  await context.close();
});
after(async () => {
  await browser?.close();
  await demo?.end();
});

async function snapshot(query) {
  const response = await fetch(
    `${demo.address}/api/v1/views/main/snapshot${query}`,
  );
  assert.equal(response.status, 200, query);
  return response.json();
}

/** A page in the past that stands still, with the sockets it opened and its errors. */
async function withReplay(query, act) {
  const context = await browser.newContext({
    viewport: { width: 1920, height: 1080 },
  });
  const page = await context.newPage();
  const [sockets, errors] = [[], []];
  page.on("websocket", (socket) => sockets.push(socket.url()));
  page.on("pageerror", (error) => errors.push(String(error)));
  try {
    await page.goto(
      `${demo.address}/wall/main?at=${encodeURIComponent(moment)}${query}`,
    );
    await page
      .locator(".replay[data-state=playing]")
      .waitFor({ timeout: 60_000 });
    await page.keyboard.press(" ");
    await paused(page);
    await act(page);
    assert.deepEqual([sockets, errors], [[], []], "no socket, no error");
  } finally {
    await context.close();
  }
}

async function paused(page) {
  await page.locator(".replay[data-state=paused]").waitFor({ timeout: 60_000 });
  return shownAt(page);
}

/** The moment in the address, which a page that stands still keeps there. */
function shownAt(page) {
  return Date.parse(new URL(page.url()).searchParams.get("at"));
}

/**
 * Runs in the page: texts that are cut off. Where a line may leave out what does not fit, it leaves it out whole; the
 * mark of origin lies behind a tile.
 */
function readCut() {
  const [cut, whole_or_gone] = [[], ".meta, .limit, .units"];
  const shown = (element) => element.checkVisibility() && !element.closest(".stamp, .spoken, svg");
  const walk = document.createTreeWalker(document.querySelector("nhip-wall"), NodeFilter.SHOW_TEXT);
  let texts = 0;
  while (walk.nextNode()) {
    const node = walk.currentNode;
    if (!node.data.trim() || !shown(node.parentElement)) continue;
    texts++;
    const range = document.createRange();
    range.selectNodeContents(node);
    const text = range.getBoundingClientRect();
    for (let box = node.parentElement; box; box = box.parentElement) {
      const { overflowX, overflowY } = getComputedStyle(box);
      if (overflowX === "visible" && overflowY === "visible" && box !== document.body) continue;
      const within = box.getBoundingClientRect();
      if (text.top >= within.bottom - 1 && box.matches(whole_or_gone)) break;
      // A line of text is higher than its letters.
      const slack = text.height / 4;
      const inside =
        text.left >= within.left - 1 &&
        text.right <= within.right + 1 &&
        text.top >= within.top - slack &&
        text.bottom <= within.bottom + slack;
      if (!inside) cut.push(`${box.className || box.tagName}: ${node.data.trim()}`);
    }
  }
  return { cut, texts };
}

/** As the page must write a value, in its own few lines. */
function written(value, scale, lang) {
  const [group, point] = lang === "vi" ? [".", ","] : [",", "."];
  const [whole, rest] = Math.abs(value).toFixed(scale).split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, group);
  return (value < 0 ? "\u2212" : "") + grouped + (rest ? point + rest : "");
}

/** Every tile shows the value the node gives for that moment. */
async function compare(page, lang, mode = "known") {
  const then = await snapshot(
    `?as_of=${new Date(shownAt(page)).toISOString()}&mode=${mode}`,
  );
  const tiles = await page.evaluate(readTiles);
  assert.ok(tiles.length >= 8, `${tiles.length} tiles`);
  let values = 0;
  for (const tile of tiles) {
    const entry = then.dict.find(
      (one) =>
        one.indicator === tile.indicator &&
        one.area === then.areas.find((area) => area.parent === null).code,
    );
    const row = then.rows.find((one) => one.id === entry.id);
    if (row.v === null) continue;
    values++;
    const want = written(row.v, then.indicators[tile.indicator].scale, lang);
    assert.equal(tile.value, want, `${tile.indicator} at ${then.as_of}`);
  }
  assert.ok(values >= 8, `only ${values} values compared`);
  return then;
}

/** What is known today of the windows shown; of those still open it goes on changing. */
function corrected(page) {
  return snapshot(
    `?as_of=${new Date(shownAt(page)).toISOString()}&mode=corrected`,
  );
}

/** Tiles whose value was the same before and after the page asked for it show that one. */
async function compareToday(page, before) {
  const tiles = await page.evaluate(readTiles);
  const after = await corrected(page);
  const province = after.areas.find((area) => area.parent === null).code;
  let values = 0;
  for (const tile of tiles) {
    const { id } = after.dict.find(
      (one) => one.indicator === tile.indicator && one.area === province,
    );
    const [was, is] = [before, after].map(
      (one) => one.rows.find((row) => row.id === id).v,
    );
    if (is === null || was !== is) continue;
    values++;
    assert.equal(
      tile.value,
      written(is, after.indicators[tile.indicator].scale, "en"),
      tile.indicator,
    );
  }
  assert.ok(values > 0, "no value stood still long enough to be compared");
}

for (const [lang, title, what, link] of [
  ["vi", "XEM LẠI", "như đã biết lúc", "xem lại"],
  ["en", "REPLAY", "as known at", "replay"],
]) {
  check(
    `${lang}: the band says what is shown, and every tile shows what was known then`,
    async () => {
      await withReplay(`&speed=10&lang=${lang}`, async (page) => {
        const band = await page.locator(".replay").innerText();
        assert.ok(
          band.includes(title) && band.includes(what) && band.includes("×10"),
          band,
        );
        assert.match(band, /\d\d\/\d\d\/\d{4} \d\d:\d\d:\d\d/);
        assert.equal(
          await page.locator(".link").getAttribute("data-link"),
          "replay",
        );
        assert.ok((await page.locator(".link").innerText()).includes(link));
        assert.ok((await page.title()).startsWith(title));
        const then = await compare(page, lang);
        assert.equal(then.mode, "known");
        const clock = await page.locator(".clock .time").innerText();
        assert.ok(
          band.includes(clock),
          `the clock ${clock} is the replayed one: ${band}`,
        );
      });
    },
  );
}

for (const lang of ["vi", "en"]) {
  check(`${lang}: nothing is cut off where a replay shows what differs`, async () => {
    await withReplay(`&lang=${lang}&mode=difference`, async (page) => {
      for (const [width, height] of [
        [1920, 1080],
        [3840, 2160],
        [3840, 2070],
      ]) {
        await page.setViewportSize({ width, height });
        // Every commune's readout, too: which one is longest depends on the moment.
        for (const commune of [null, ...(await page.locator(".commune[data-area]").all())]) {
          await commune?.focus();
          const { cut, texts } = await page.evaluate(readCut);
          assert.deepEqual(cut, [], `${width} × ${height}`);
          assert.ok(texts > 150, `only ${texts} texts looked at`);
        }
      }
    });
  });
}

check(
  "keys step, change the speed and the mode, and lead back to the present",
  async () => {
    await withReplay("&speed=10&lang=en", async (page) => {
      const start = shownAt(page);
      await page.keyboard.press("ArrowRight");
      await until("a step on", 60_000, () => shownAt(page) === start + 10_000);
      await page.keyboard.press("ArrowLeft");
      await until("a step back", 60_000, () => shownAt(page) === start);
      await page.keyboard.press("+");
      assert.ok((await page.locator(".replay").innerText()).includes("×60"));
      const before = await corrected(page);
      await page.keyboard.press("m");
      await page.getByText("as corrected since").waitFor({ timeout: 60_000 });
      await paused(page);
      await until("corrected values", 60_000, () =>
        page.url().includes("mode=corrected"),
      );
      await compareToday(page, before);
      await page.keyboard.press("m");
      await page
        .getByText("marked where it differs")
        .waitFor({ timeout: 60_000 });
      await until("the difference", 60_000, () =>
        page.url().includes("mode=difference"),
      );
      const then = await compare(page, "en", "difference");
      const differing = then.rows.filter((row) => row.today).length;
      const marked = await page
        .locator(".card[data-differs], .commune[data-differs]")
        .count();
      assert.ok(
        differing > 0 && marked > 0,
        `${differing} rows differ, ${marked} are marked`,
      );
    });
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(
      `${demo.address}/wall/main?at=${encodeURIComponent(moment)}&lang=en`,
    );
    await page
      .locator(".replay[data-state=playing]")
      .waitFor({ timeout: 60_000 });
    await page.keyboard.press("Escape");
    await page.locator(".link[data-link=live]").waitFor({ timeout: 60_000 });
    assert.equal(
      await page.locator("nhip-replay").count(),
      0,
      "the present has no band",
    );
    assert.equal(new URL(page.url()).search, "?lang=en");
    await context.close();
  },
);

check("a moment nobody knows of is said in words", async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  for (const [at, text] of [
    ["1990-01-01T00:00:00Z", "Lúc đó chưa biết gì."],
    ["2190-01-01T00:00:00Z", "đã đến hiện tại"],
    ["hôm qua", "Thời điểm trong địa chỉ không đọc được."],
  ]) {
    await page.goto(`${demo.address}/wall/main?at=${encodeURIComponent(at)}`);
    await page.getByText(text).waitFor({ timeout: 60_000 });
  }
  await context.close();
});
