// What every browser test needs: a browser, a server (NHIP_URL or the dev server), waiting with a deadline.
import { createRequire } from "node:module";
import { DevServer } from "../../web/dev/server.mjs";

const require = createRequire(new URL("../../web/package.json", import.meta.url));
const { chromium } = require("playwright-core");

const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** A headless browser; `NHIP_CHROMIUM` names another executable. */
export function launch(more = []) {
  const executablePath = process.env.NHIP_CHROMIUM ?? "/usr/bin/chromium";
  return chromium.launch({ executablePath, args: [...ARGUMENTS, ...more] });
}

/** The dev server; null where `NHIP_URL` names a running Nhịp and the test needs no faults. */
export async function serve(options) {
  return process.env.NHIP_URL && !options.faults ? null : await new DevServer(options).start();
}

/** The base address of the server under test. */
export function base(server) {
  return server ? server.base : process.env.NHIP_URL.replace(/\/$/, "");
}

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
  page.errors = [];
  page.on("pageerror", (error) => page.errors.push(String(error)));
  await page.goto(`${address}/wall/main${query}`);
  await page.locator(".link[data-link=live]").waitFor({ state: "attached", timeout: 10_000 });
  return page;
}

/** Server and wall for one test; everything is closed afterwards, whatever happened. */
export async function withWall(options, act) {
  const server = await serve(options);
  const browser = await launch(options.arguments);
  try {
    const context = await browser.newContext({
      viewport: options.viewport ?? { width: 1920, height: 1080 },
    });
    for (const script of options.scripts ?? []) await context.addInitScript(script);
    const page = await openWall(context, base(server), options.query);
    await act({ page, context, server, address: base(server) });
  } finally {
    await browser.close();
    await server?.stop();
  }
}

/** Runs in the page: every tile's marks and texts. */
export function readTiles() {
  return [...document.querySelectorAll("nhip-tile .card")].map((card) => ({
    indicator: card.dataset.indicator,
    simulated: card.dataset.simulated !== undefined,
    freshness: card.dataset.freshness,
    quality: card.dataset.quality,
    standing: card.dataset.standing,
    text: card.innerText,
    age: card.querySelector("[data-cell=age]").textContent,
    value: card.querySelector("[data-cell=value]").textContent,
  }));
}

/** Runs before the page: a PC clock that is off. */
export function shiftDate(off_ms) {
  return `{
    const Real = Date;
    class Wrong extends Real {
      constructor(...parts) { if (parts.length === 0) super(Real.now() + ${off_ms}); else super(...parts); }
      static now() { return Real.now() + ${off_ms}; }
    }
    globalThis.Date = Wrong;
  }`;
}

/** Runs in the page: keeps what the content security policy refused in `violations`. */
export function recordViolations() {
  globalThis.violations = [];
  document.addEventListener("securitypolicyviolation", (event) => {
    globalThis.violations.push(`${event.violatedDirective} ${event.blockedURI}`);
  });
}

/** Runs in the page: when the link became live, the banner came (`lost`) and went (`found`), by Date.now. */
export function recordLink() {
  window.linkMarks = [];
  const mark = (what) => window.linkMarks.push([what, Date.now()]);
  const top = document.querySelector(".top");
  const link = document.querySelector(".link");
  const lost = () => mark(top.hasAttribute("data-lost") ? "lost" : "found");
  new MutationObserver(lost).observe(top, {
    attributes: true,
    attributeFilter: ["data-lost"],
  });
  const phase = () => mark(link.dataset.link);
  new MutationObserver(phase).observe(link, {
    attributes: true,
    attributeFilter: ["data-link"],
  });
}

/** When the page itself saw `what` first after `from`; no delay of this process is in it. */
export function firstAfter(page, what, from) {
  return until(what, 15_000, () =>
    page.evaluate(
      ([name, since]) => window.linkMarks.find(([of, at]) => of === name && at >= since)?.[1],
      [what, from],
    ),
  );
}
