// What the wall says of every value: languages, missing ≠ 0, marks that cannot be hidden, no overflow.
import assert from "node:assert/strict";
import { test } from "node:test";
import { readTiles, until, withWall } from "./harness.mjs";

test("Vietnamese by default, English by ?lang=en, L toggles and the address follows", async () => {
  await withWall({}, async ({ page, address }) => {
    assert.equal(await page.evaluate(() => document.documentElement.lang), "vi");
    assert.match(await page.locator(".bottom").innerText(), /đúng[\s\S]*đủ[\s\S]*sạch[\s\S]*sống/);
    await page.keyboard.press("l");
    assert.equal(await page.evaluate(() => document.documentElement.lang), "en");
    assert.match(page.url(), /lang=en/);
    assert.match(await page.locator(".bottom").innerText(), /accurate[\s\S]*complete[\s\S]*clean[\s\S]*live/);
    const english = await page.locator(".card .name").allInnerTexts();
    await page.goto(`${address}/wall/main?lang=en`);
    await page.locator(".card").first().waitFor();
    assert.deepEqual(await page.locator(".card .name").allInnerTexts(), english);
    await page.keyboard.press("l");
    assert.notDeepEqual(await page.locator(".card .name").allInnerTexts(), english);
  });
});

test("numbers are written in the page's language", async () => {
  await withWall({ faults: true }, async ({ page, server }) => {
    server.change([{ id: 0, v: 1204.5, t: server.now() }]);
    await until("1.204,5", 1500, async () => (await page.evaluate(readTiles))[0].value === "1.204,5");
    await page.keyboard.press("l");
    await until("1,204.5", 1500, async () => (await page.evaluate(readTiles))[0].value === "1,204.5");
  });
});

test("every kind of value says what it is, and missing shows no digit", async () => {
  await withWall({ faults: true, showcase: true, simulated: false }, async ({ page }) => {
    const tiles = new Map((await page.evaluate(readTiles)).map((tile) => [tile.indicator, tile]));
    const says = (indicator, pattern) => assert.match(tiles.get(indicator).text, pattern, indicator);
    says("env.pm25_1h", /Vượt ngưỡng[\s\S]*4\/5 nguồn[\s\S]*tạm tính/);
    says("env.pm10_1h", /trễ/);
    says("env.no2_1h", /CŨ\s2\sg\s1\d\sph/);
    says("env.o3_8h", /lỗi thiết bị · cuối: \d/);
    assert.equal(tiles.get("env.o3_8h").value, "—");
    says("traffic.flow_5m", /đã chốt/);
    says("traffic.speed_5m", /≈[\s\S]*ước lượng[\s\S]*thiếu 3\/5 nguồn/);
    assert.doesNotMatch(tiles.get("device.restart_day").value, /\d/);
    says("device.restart_day", /chưa có nguồn/);
    says("camera.online_share", /nhập tay[\s\S]*đã sửa lần 2/);
    says("env.pm10_1h", /chưa đối soát/);
    says("env.pm25_1h", /đúng\s*97%/);
    says("env.pm25_1h", /chỉ tiêu 45 \(KH 12\/KH-UBND\): chưa đạt/);
    says("env.pm10_1h", /chưa giao chỉ tiêu/);
    says("report.late_share", /Cảnh báo/);
    assert.equal(tiles.get("report.late_share").standing, "warning");
    says("env.aqi_h", /đã tính lại lần 3/);
    for (const tile of tiles.values()) assert.equal(tile.simulated, false);
  });
});

test("simulated: a mark on every tile that no class, style, attribute or address hides", async () => {
  await withWall({ simulated: true, showcase: true, query: "?simulated=0&demo=off" }, async ({ page }) => {
    await page.evaluate(() => {
      document.querySelectorAll(".stamp").forEach((stamp, at) => {
        if (at % 3 === 0) stamp.remove();
        else if (at % 3 === 1) {
          stamp.hidden = true;
          stamp.style.display = "none";
        } else stamp.className = "none";
      });
      for (const card of document.querySelectorAll(".card")) {
        card.removeAttribute("data-simulated");
        card.style.borderColor = "transparent";
      }
    });
    await until("marks back on all tiles", 2500, () =>
      page.evaluate(() => {
        const cards = [...document.querySelectorAll("nhip-tile .card")];
        return (
          cards.length === 12 &&
          cards.every((card) => {
            const stamp = card.querySelector(".stamp-simulated");
            const box = stamp?.getBoundingClientRect();
            return (
              stamp?.textContent === "MÔ PHỎNG" &&
              getComputedStyle(stamp).display !== "none" &&
              box.width > 50 &&
              getComputedStyle(card).borderTopColor === "rgb(255, 166, 32)"
            );
          })
        );
      }),
    );
    assert.equal(await page.locator(".map .stamp-simulated").count(), 1);
  });
});

test("replayed: a fixed band with the profile's words and a mark on every tile", async () => {
  await withWall({ faults: true, replayed: true, simulated: false }, async ({ page }) => {
    assert.match(await page.locator(".band").innerText(), /dữ liệu phát lại/);
    assert.equal(await page.locator("nhip-tile .card .stamp-replayed").count(), 12);
  });
});

test("the secondary zone turns by the clock, every other turn to a page beyond its limit", async () => {
  await withWall({ faults: true, dwell_s: 1 }, async ({ page, server }) => {
    const shown = () => page.locator(".page:not([hidden]) h2").innerText();
    const twelve = () => page.locator("nhip-tile .card .name").allInnerTexts();
    const before = await twelve();
    const first = await shown();
    await until("the other page", 4000, async () => (await shown()) !== first);
    await until("the first page again", 4000, async () => (await shown()) === first);
    assert.deepEqual(await twelve(), before, "the twelve never move");
    const held = server.table.dict.find((entry) => entry.indicator === "env.water_level").id;
    server.change([{ id: held, v: 1.83, l: 2, t: server.now() }]);
    await until("its page", 3000, async () => (await shown()) === "Môi trường");
    assert.match(await page.locator(".page:not([hidden])").innerText(), /1,83[\s\S]*Vượt ngưỡng/);
    assert.match(await page.locator(".held").innerText(), /xen kẽ/);
    await until("another page", 4000, async () => (await shown()) !== "Môi trường");
    assert.equal(await page.locator(".held").innerText(), "");
    await until("its page again", 4000, async () => (await shown()) === "Môi trường");
  });
});

test("a commune keeps its last complete window while the new one is incomplete", async () => {
  await withWall({ faults: true }, async ({ page, server }) => {
    const { id, area } = server.table.dict.find((entry) => entry.area !== "99");
    const { w, t } = server.table.rows[id];
    const cell = page.locator(`.commune[data-area="${area}"]`);
    await until("a normal cell", 2000, async () => (await cell.getAttribute("data-look")) === "normal");
    const next = [w[1], w[1] + 3_600_000];
    server.change([{ id, v: 12.5, k: 1, m: 5, l: 2, f: 2 | 4 | 8, w: next, t: t + 1000 }]);
    await page.locator(`.commune[data-area="${area}"]`).hover();
    await until("its note", 2000, async () =>
      /cửa sổ đủ gần nhất/.test(await page.locator(".readout").innerText()),
    );
    assert.equal(await cell.getAttribute("data-look"), "normal", "one of five sources decides nothing");
    assert.doesNotMatch(await page.locator(".readout").innerText(), /12,5/);
    server.change([{ id, v: 12.5, k: 4, m: 5, l: 2, f: 2 | 4 | 8, w: next, t: t + 2000 }]);
    await until("the new window", 2000, async () => (await cell.getAttribute("data-look")) === "exceeded");
    assert.match(await page.locator(".readout").innerText(), /12,5/);
  });
});

/** Runs in the page: texts that leave their tile, header, footer or the screen. */
function overflowing() {
  const found = [];
  const boxes = [...document.querySelectorAll(".card, .top, .bottom, .map")];
  for (const box of boxes) {
    const outer = box.getBoundingClientRect();
    for (const part of box.querySelectorAll("span, h1, h2, p, button, li")) {
      const inner = part.getBoundingClientRect();
      if (inner.width === 0 || part.closest(".stamp") || part.children.length > 0) continue;
      const out =
        inner.right > outer.right + 1 || inner.left < outer.left - 1 || inner.bottom > outer.bottom + 1;
      if (out) found.push(`${box.className} ${part.className || part.dataset.cell}: ${part.textContent}`);
    }
  }
  if (document.documentElement.scrollWidth > innerWidth) found.push("scrolls sideways");
  return found;
}

for (const [width, height] of [
  [1366, 768],
  [1920, 1080],
  [3840, 2160],
  [5120, 1440],
  [390, 844],
]) {
  test(`nothing overflows at ${width}×${height}, in both languages`, async () => {
    await withWall({ showcase: true, viewport: { width, height } }, async ({ page }) => {
      assert.deepEqual(await page.evaluate(overflowing), [], "vi");
      await page.keyboard.press("l");
      assert.deepEqual(await page.evaluate(overflowing), [], "en");
      if (width > height)
        assert.ok(await page.evaluate(() => document.documentElement.scrollHeight <= innerHeight));
    });
  });
}
