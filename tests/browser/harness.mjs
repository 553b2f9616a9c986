// What every browser test needs: a browser, a server (NHIP_URL or the dev server), waiting with a deadline.
import { createRequire } from "node:module";
import { DevServer } from "../../web/dev/server.mjs";

const require = createRequire(new URL("../../web/package.json", import.meta.url));
const { chromium } = require("playwright-core");

const ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync"];

/** A headless browser; `NHIP_CHROMIUM` names another executable. */
export function launch(more = []) {
  const executablePath = process.env.NHIP_CHROMIUM ?? "/usr/bin/chromium";
  return chromium.launch({ executablePath, args: [...ARGUMENTS, ...more] });
}

/** The dev server with these options, or null where `NHIP_URL` names a running Nhịp. */
export async function serve(options) {
  return process.env.NHIP_URL && !options.ownServer ? null : await new DevServer(options).start();
}

/** The base address of the server under test. */
export function base(server) { return server ? server.base : process.env.NHIP_URL.replace(/\/$/, ""); }

/** Waits until `probe` gives something truthy and returns it; throws with `what` after `limit_ms`. */
export async function until(what, limit_ms, probe) {
  const deadline = performance.now() + limit_ms;
  for (;;) {
    const found = await probe();
    if (found) return found;
    if (performance.now() > deadline) throw new Error(`${what}: not within ${limit_ms} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Opens the wall and waits until its tiles are there and the link is live. */
export async function openWall(context, address, query = "") {
  const page = await context.newPage();
  await page.goto(`${address}/wall/main${query}`);
  await page.locator(".link[data-link=live]").waitFor({ state: "attached", timeout: 10_000 });
  return page;
}

/** Runs in the page: every tile's marks and texts. */
export function readTiles() {
  return [...document.querySelectorAll(".card")].map((card) => ({
    indicator: card.dataset.indicator, freshness: card.dataset.freshness, quality: card.dataset.quality,
    standing: card.dataset.standing, text: card.innerText, age: card.querySelector("[data-cell=age]").textContent,
    value: card.querySelector("[data-cell=value]").textContent,
  }));
}
