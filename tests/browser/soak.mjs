// A soak of one page: the heap after collection must not grow, nodes and listeners must stay the same.
import assert from "node:assert/strict";

/** The most the heap may grow over a run, by the trend of its samples. */
const GROWTH_SHARE_MAX = 0.05;

/** Measures `page` for `soak_s` after `warm_s`, in which compilers and caches settle. */
export async function soak(t, page, context, { warm_s, soak_s }) {
  const session = await context.newCDPSession(page);
  await session.send("Performance.enable");
  await pause(warm_s);
  const samples = [];
  const end = performance.now() + soak_s * 1000;
  while (performance.now() < end) {
    samples.push(await measure(session));
    await pause(Math.max(3, soak_s / 20));
  }
  samples.push(await measure(session));
  const share = growth(samples) / samples[0].heap;
  const [first, last] = [samples[0], samples.at(-1)];
  t.diagnostic(
    `heap ${mib(first.heap)} → ${mib(last.heap)} MiB, trend ${(share * 100).toFixed(2)} % over the run, ` +
      `nodes ${first.nodes} → ${last.nodes}`,
  );
  assert.ok(share <= GROWTH_SHARE_MAX, `heap grows by ${(share * 100).toFixed(1)} %`);
  for (const { nodes, listeners } of samples) {
    assert.equal(nodes, first.nodes, "DOM nodes");
    assert.equal(listeners, first.listeners, "listeners");
  }
}

/** A soak is a span of real time, not a wait for luck. */
function pause(seconds) {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}

/** The least of some readings: what arrives between a collection and its reading only adds. */
async function measure(session) {
  let least = await reading(session);
  for (let more = 0; more < 4; more++) {
    const next = await reading(session);
    if (next.heap < least.heap) least = next;
  }
  return least;
}

/** Sent together, so that the page does nothing else between collection and reading. */
async function reading(session) {
  const [, , { metrics }] = await Promise.all([
    session.send("HeapProfiler.collectGarbage"),
    session.send("HeapProfiler.collectGarbage"),
    session.send("Performance.getMetrics"),
  ]);
  const of = (name) => metrics.find((metric) => metric.name === name).value;
  return {
    at: performance.now(),
    heap: of("JSHeapUsedSize"),
    nodes: of("Nodes"),
    listeners: of("JSEventListeners"),
  };
}

/** Least-squares growth in bytes from the first to the last sample. */
function growth(samples) {
  const mean = (of) => samples.reduce((sum, sample) => sum + of(sample), 0) / samples.length;
  const [at, heap] = [mean((sample) => sample.at), mean((sample) => sample.heap)];
  const above = samples.reduce((sum, sample) => sum + (sample.at - at) * (sample.heap - heap), 0);
  const below = samples.reduce((sum, sample) => sum + (sample.at - at) ** 2, 0);
  return (above / below) * (samples.at(-1).at - samples[0].at);
}

function mib(bytes) {
  return (bytes / 2 ** 20).toFixed(2);
}
