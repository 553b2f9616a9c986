// Pictures of the wall at two sizes in both languages, into NHIP_SHOTS (default: a temporary directory).
import assert from "node:assert/strict";
import { mkdtemp, mkdir, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { until, withWall } from "./harness.mjs";

const SIZES = [
  [1920, 1080],
  [3840, 2160],
];

test("pictures of the wall", async (t) => {
  const directory = process.env.NHIP_SHOTS ?? (await mkdtemp(join(tmpdir(), "nhip-wall-")));
  await mkdir(directory, { recursive: true });
  for (const [width, height] of SIZES) {
    for (const lang of ["vi", "en"]) {
      await withWall(
        {
          viewport: { width, height },
          query: `?lang=${lang}`,
          areas: "tay-ninh",
        },
        async ({ page }) => {
          await page.evaluate(() => document.fonts.ready);
          await until(
            "a figure",
            30_000,
            async () => (await page.locator(".card .spark-line[d^=M]").count()) > 0,
          );
          const path = join(directory, `wall-${width}x${height}-${lang}.png`);
          await page.screenshot({ path });
          assert.ok((await stat(path)).size > 20_000);
        },
      );
    }
  }
  t.diagnostic(`pictures in ${directory}`);
});
