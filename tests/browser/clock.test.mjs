// The browser's own clock may be wrong by an hour: ages and the shown time stay right.
import assert from "node:assert/strict";
import { test } from "node:test";
import { readTiles, shiftDate, until, withWall } from "./harness.mjs";

for (const hours of [1, -1]) {
  test(`a clock ${hours} h off: ages within half a second and the tick`, async () => {
    const scripts = [{ content: shiftDate(hours * 3_600_000) }];
    await withWall({ faults: true, scripts }, async ({ page, server }) => {
      const off = await page.evaluate(() => Date.now());
      assert.ok(Math.abs(off - Date.now() - hours * 3_600_000) < 5000, "the clock of the page is wrong");
      const heard = server.now() - 20_000;
      server.change([{ id: 0, t: heard, v: 5 }]);
      await until("the value", 2000, async () => (await page.evaluate(readTiles))[0].value === "5,0");
      await until("three ages in a row", 5000, async () => {
        const shown = Number.parseInt((await page.evaluate(readTiles))[0].age, 10);
        const real = (server.now() - heard) / 1000;
        assert.ok(real - shown > -0.5 && real - shown < 2.5, `shown ${shown} s, real ${real.toFixed(2)} s`);
        return real > 23;
      });
      const time = await page.locator(".time").innerText();
      const format = new Intl.DateTimeFormat("en-GB", {
        timeZone: "Asia/Ho_Chi_Minh",
        timeStyle: "medium",
      });
      const near = [-2, -1, 0, 1].map((second) => format.format(server.now() + second * 1000));
      assert.ok(near.includes(time), `${time} is not about ${near[2]}`);
    });
  });
}

test("the server's zone is shown, whatever the browser's", async () => {
  await withWall({ faults: true }, async ({ page, context, server }) => {
    const other = await context.browser().newContext({ timezoneId: "America/Lima" });
    const far = await other.newPage();
    await far.goto(`${server.base}/wall/main`);
    await far.locator(".link[data-link=live]").waitFor({ state: "attached" });
    const windows = (one) => one.locator("[data-cell=window]").allInnerTexts();
    assert.deepEqual(await windows(far), await windows(page));
    assert.equal(
      (await far.locator(".time").innerText()).slice(0, 2),
      (await page.locator(".time").innerText()).slice(0, 2),
    );
  });
});
