// The value grammar against the table it was made from: every state, every boundary.
import assert from "node:assert/strict";
import { test } from "node:test";
import { lastComplete, meets, state, targetOf } from "../src/grammar.ts";
import { FLAG, type Indicator, type Row } from "../src/protocol.ts";

const NOW = 1_795_244_700_000;
const indicator: Indicator = {
  name: { vi: "Bụi", en: "Dust" },
  unit: "µg/m³",
  scale: 1,
  domain: "env",
  direction: "worse",
  cadence_s: 60,
  stale_s: 300,
  completeness_min: 0.5,
  window: "1h",
  limit: 50,
  below: false,
  document: "",
  owner: "",
};

function row(more: Partial<Row> = {}): Row {
  return {
    id: 0,
    t: NOW,
    v: 35.2,
    q: 0,
    f: 0,
    k: 5,
    m: 5,
    l: 1,
    w: null,
    b: [null, 1, 1, 1],
    rev: 0,
    o: 1,
    ...more,
  };
}

const at = (age_s: number, more: Partial<Row> = {}, grace_ms = 0) =>
  state(row({ t: NOW - age_s * 1000, ...more }), indicator, NOW, grace_ms);

test("a value is live to 1.5 cadences, late to its limit, then stale", () => {
  assert.deepEqual(
    [0, 90, 90.001, 300, 300.001].map((age) => at(age).freshness),
    ["live", "live", "late", "late", "stale"],
  );
});

test("a fast clock grants as many extra seconds as it runs fast", () => {
  assert.equal(at(330, {}, 60_000).freshness, "late");
  assert.equal(at(361, {}, 60_000).freshness, "stale");
  assert.equal(at(149, {}, 60_000).freshness, "live");
});

test("a limit shorter than the cadence still ends in stale, never in live", () => {
  const short = { ...indicator, cadence_s: 600 };
  assert.equal(state(row({ t: NOW - 301_000 }), short, NOW).freshness, "stale");
});

test("age is now minus event time and never negative", () => {
  assert.equal(at(12).age_ms, 12_000);
  assert.equal(at(-5).age_ms, 0);
});

test("never heard has no age and nothing to show, whatever the value says", () => {
  const never = state(row({ t: null, v: 0, q: 130 }), indicator, NOW);
  assert.deepEqual(
    [never.freshness, never.quality, never.age_ms, never.shown],
    ["never", "never", null, false],
  );
});

test("missing is not zero: null is never shown, zero is", () => {
  const missing = at(1, { v: null });
  assert.deepEqual([missing.quality, missing.reason, missing.shown], ["bad", "missing", false]);
  const zero = at(1, { v: 0 });
  assert.deepEqual([zero.quality, zero.shown], ["good", true]);
});

test("quality bytes are good, uncertain, bad with their reasons", () => {
  const of = (q: number, v: number | null = 1) => {
    const s = at(1, { q, v });
    return [s.quality, s.reason, s.shown];
  };
  assert.deepEqual(of(0), ["good", "", true]);
  assert.deepEqual(of(64), ["uncertain", "estimated", true]);
  assert.deepEqual(of(65), ["uncertain", "last_usable", true]);
  assert.deepEqual(of(66), ["uncertain", "calibrating", true]);
  assert.deepEqual(of(127), ["uncertain", "uncertain", true]);
  assert.deepEqual(of(128), ["bad", "out_of_range", false]);
  assert.deepEqual(of(129), ["bad", "device", false]);
  assert.deepEqual(of(131), ["bad", "out_of_service", false]);
  assert.deepEqual(of(191), ["bad", "bad", false]);
});

test("heard, but nothing in this window: missing, not never", () => {
  assert.deepEqual(
    [at(5, { v: null, q: 130 }).quality, at(5, { v: null, q: 130 }).reason],
    ["bad", "missing"],
  );
});

test("k of m: partial when one lacks, insufficient below the least completeness", () => {
  assert.deepEqual([at(1).partial, at(1).insufficient], [false, false]);
  assert.deepEqual([at(1, { k: 4 }).partial, at(1, { k: 4 }).insufficient], [true, false]);
  assert.deepEqual([at(1, { k: 2 }).partial, at(1, { k: 2 }).insufficient], [true, true]);
  assert.equal(at(1, { k: 0, m: 0 }).insufficient, false);
  assert.equal(at(1, { f: FLAG.partial }).partial, true);
});

test("flags become words: provisional, final, revised, typed, simulated, replayed", () => {
  assert.equal(at(1).settled, "final");
  assert.equal(at(1, { f: FLAG.provisional }).settled, "provisional");
  assert.equal(at(1, { f: FLAG.revised }).settled, "revised");
  const marked = at(1, { f: FLAG.typed | FLAG.simulated | FLAG.replayed });
  assert.deepEqual([marked.typed, marked.simulated, marked.replayed], [true, true, true]);
});

test("levels: none without a limit, normal, exceeded", () => {
  assert.deepEqual(
    [0, 1, 2].map((l) => at(1, { l }).standing),
    ["none", "normal", "exceeded"],
  );
});

test("the function stores nothing: the same row later is older, nothing else", () => {
  const one = row({ t: NOW });
  const before = JSON.stringify(one);
  assert.equal(state(one, indicator, NOW).freshness, "live");
  assert.equal(state(one, indicator, NOW + 400_000).freshness, "stale");
  assert.equal(state(one, indicator, NOW).freshness, "live");
  assert.equal(JSON.stringify(one), before);
});

test("the target of the day the window starts decides, for its own area", () => {
  const area = "80";
  const year = (from: number | null, to: number | null, value: number) => ({
    area,
    value,
    from,
    to,
    document: "KH",
  });
  const dated = { ...indicator, targets: [year(null, 1000, 50), year(1000, 2000, 45)] };
  const value = (start: number) => targetOf(dated, area, row({ w: [start, start + 10] }))?.value;
  assert.deepEqual([999, 1000, 1999, 2000].map(value), [50, 45, 45, undefined]);
  assert.equal(targetOf(dated, "1", row({ w: [1000, 1010] })), null);
  const target = year(null, null, 45);
  const judged = (v: number | null, direction: Indicator["direction"]) =>
    meets(v, target, { ...indicator, direction });
  assert.deepEqual(
    [judged(45, "worse"), judged(45.1, "worse"), judged(45, "better"), judged(44, "better")],
    [true, false, true, false],
  );
  assert.deepEqual([judged(null, "worse"), judged(45, "neutral")], [null, null]);
});

test("an incomplete window gives way to the last complete one, under its own time", () => {
  const kept = { t: NOW - 60_000, v: 41, k: 5, m: 5, l: 1, w: [NOW - 3_600_000, NOW] as [number, number] };
  const newest = row({ v: 90, k: 1, l: 2, f: FLAG.provisional | FLAG.partial, kept });
  const seen = lastComplete(newest, indicator);
  assert.deepEqual([seen.v, seen.l, seen.w, seen.f], [41, 1, kept.w, 0]);
  assert.equal(lastComplete({ ...newest, k: 3 }, indicator).v, 90);
  assert.equal(lastComplete({ ...newest, kept: null }, indicator).v, 90);
});

test("a warning is not beyond the limit, a recomputed window says so", () => {
  assert.equal(at(0, { l: 3 }).standing, "warning");
  assert.equal(at(0, { f: FLAG.revised | FLAG.restated }).settled, "restated");
});
