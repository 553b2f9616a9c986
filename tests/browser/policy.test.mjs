// No other host, a strict content security policy without violations, no script errors, accessible by rule.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { test } from "node:test";
import { recordViolations, withWall } from "./harness.mjs";

const require = createRequire(new URL("../../web/package.json", import.meta.url));

test("no request to another host, no violation, no error, also with the panel open", async () => {
  await withWall({ scripts: [recordViolations] }, async ({ page, address }) => {
    const hosts = new Set();
    page.on("request", (request) => hosts.add(new URL(request.url()).host));
    page.on("websocket", (socket) => hosts.add(new URL(socket.url()).host));
    const answer = await page.reload();
    await page.locator(".link[data-link=live]").waitFor({ state: "attached" });
    await page.locator(".card").first().click();
    await page.locator(".explain dl").waitFor();
    await page.keyboard.press("l");
    assert.deepEqual([...hosts], [new URL(address).host]);
    const policy = answer.headers()["content-security-policy"] ?? "";
    assert.match(policy, /default-src 'none'/);
    assert.doesNotMatch(policy, /unsafe-inline|unsafe-eval|\*/);
    assert.deepEqual(await page.evaluate(() => globalThis.violations), []);
    assert.deepEqual(page.errors, []);
  });
});

test("the policy is felt: an inline script is refused", async () => {
  await withWall({ scripts: [recordViolations] }, async ({ page }) => {
    await page.evaluate(() => {
      const script = document.createElement("script");
      script.textContent = "globalThis.ran = true";
      document.head.append(script);
    });
    assert.equal(await page.evaluate(() => globalThis.ran), undefined);
    assert.equal((await page.evaluate(() => globalThis.violations)).length, 1);
  });
});

test("axe finds nothing serious, on the wall and in the panel", async () => {
  const axe = await readFile(require.resolve("axe-core/axe.min.js"), "utf8");
  await withWall({ showcase: true }, async ({ page, context }) => {
    const session = await context.newCDPSession(page);
    await session.send("Runtime.evaluate", { expression: axe });
    const serious = async () =>
      page.evaluate(async () => {
        // The watermark is pale on purpose; the same word stands in the tile's spoken text.
        const found = await globalThis.axe.run({ exclude: [".stamp"] }, { resultTypes: ["violations"] });
        return found.violations
          .filter((one) => ["serious", "critical"].includes(one.impact))
          .map(
            (one) =>
              `${one.id}: ${one.nodes
                .slice(0, 3)
                .map((node) => node.target.join(" "))
                .join(" | ")}`,
          );
      });
    assert.deepEqual(await serious(), []);
    await page.locator(".card").first().click();
    await page.locator(".explain dl").waitFor();
    assert.deepEqual(await serious(), []);
  });
});
