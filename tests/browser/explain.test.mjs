// Explain: by click and by Enter, on tiles and communes; the panel holds the focus and gives it back.
import assert from "node:assert/strict";
import { test } from "node:test";
import { withWall } from "./harness.mjs";

const inDialog = () =>
  document.activeElement.closest("dialog") !== null || document.activeElement === document.body;

test("a click on a tile opens the panel with definition, window, k of m and samples", async () => {
  await withWall({ simulated: true }, async ({ page }) => {
    const card = page.locator(".card").first();
    const name = await card.locator(".name").innerText();
    await card.click();
    const panel = page.locator("dialog.explain");
    await panel.locator("dl").waitFor();
    assert.equal(await panel.locator("h2").innerText(), name);
    assert.match(await panel.locator("dl").innerText(), /\d+\/\d+/);
    assert.ok((await panel.locator(".definition").innerText()).length > 10);
    await page.keyboard.press("Escape");
    await panel.waitFor({ state: "hidden" });
    assert.equal(await page.evaluate(() => document.activeElement.classList.contains("card")), true);
  });
});

test("Enter on a tile opens it; Tab stays inside; Esc closes", async () => {
  await withWall({}, async ({ page }) => {
    await page.locator(".card").nth(1).focus();
    await page.keyboard.press("Enter");
    await page.locator("dialog.explain dl").waitFor();
    for (let step = 0; step < 8; step++) {
      await page.keyboard.press("Tab");
      assert.equal(await page.evaluate(inDialog), true, `Tab ${step + 1} left the panel`);
    }
    await page.keyboard.press("Escape");
    await page.locator("dialog.explain").waitFor({ state: "hidden" });
  });
});

test("the cartogram is one stop of Tab; arrows walk; Enter explains that commune", async () => {
  await withWall({}, async ({ page }) => {
    assert.equal(await page.locator(".cells .commune[tabindex='0']").count(), 1);
    await page.locator(".cells .commune[tabindex='0']").focus();
    const first = await page.evaluate(() => document.activeElement.dataset.area);
    await page.keyboard.press("ArrowDown");
    const second = await page.evaluate(() => document.activeElement.dataset.area);
    assert.notEqual(second, first);
    const label = await page.evaluate(() => document.activeElement.getAttribute("aria-label"));
    const name = label.split(":")[0];
    assert.equal(await page.locator(".readout-name").innerText(), name);
    await page.keyboard.press("Enter");
    await page.locator("dialog.explain .where").waitFor();
    assert.equal(await page.locator("dialog.explain .where").innerText(), name);
    await page.keyboard.press("Escape");
    await page.locator("dialog.explain").waitFor({ state: "hidden" });
    await page.locator(".cells .commune").nth(5).click();
    await page.locator("dialog.explain .where").waitFor();
  });
});
