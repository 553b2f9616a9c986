// The table: order is checked, values are the latest, histories are bounded.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Change, Row, Snapshot } from "../src/protocol.ts";
import { HISTORY_MAX, Store } from "../src/store.ts";

const HOUR = 3_600_000;
const BASE = 1_795_244_400_000;

function row(id: number, more: Partial<Row> = {}): Row {
  return {
    id,
    t: BASE,
    v: 1,
    q: 0,
    f: 2,
    k: 1,
    m: 1,
    l: 0,
    w: [BASE, BASE + HOUR],
    b: [null, 1, 1, 1],
    rev: 0,
    o: 5,
    ...more,
  };
}

function loaded(rows: Row[]): Store {
  const store = new Store();
  store.load({ epoch: "e1", offset: 10, rows } as unknown as Snapshot);
  store.flush(() => {});
  return store;
}

const change = (id: number, v: number | null, start = 0): Change => [
  id,
  5,
  v,
  0,
  2,
  1,
  1,
  1,
  start,
  start + HOUR,
  [null, 1, 1, 1],
  0,
];

test("a frame that begins elsewhere is a gap and moves nothing", () => {
  const store = loaded([row(0)]);
  assert.equal(store.apply({ t: "d", p: 9, o: 12, b: BASE, u: [change(0, 7)] }), "gap");
  assert.equal(store.offset, 10);
  assert.equal(store.rows.get(0)?.v, 1);
});

test("frames in order move the position; p = o is allowed", () => {
  const store = loaded([row(0), row(1)]);
  assert.equal(store.apply({ t: "d", p: 10, o: 10, b: BASE, u: [change(0, 7)] }), "ok");
  assert.equal(store.apply({ t: "d", p: 10, o: 14, b: BASE, u: [change(1, null)] }), "ok");
  assert.equal(store.offset, 14);
  assert.deepEqual([store.rows.get(0)?.v, store.rows.get(1)?.v], [7, null]);
});

test("times are relative to the frame's base", () => {
  const store = loaded([row(0)]);
  store.apply({
    t: "d",
    p: 10,
    o: 11,
    b: BASE + 500,
    u: [[0, -250, 3, 0, 0, 1, 1, 0, -500, HOUR - 500, [1, 1, 1, 1], 2]],
  });
  assert.equal(store.rows.get(0)?.t, BASE + 250);
  assert.deepEqual(store.rows.get(0)?.w, [BASE, BASE + HOUR]);
});

test("a row nobody announced is told, the others are taken", () => {
  const store = loaded([row(0)]);
  assert.equal(store.apply({ t: "d", p: 10, o: 11, b: BASE, u: [change(77, 1), change(0, 4)] }), "unknown");
  assert.equal(store.rows.get(0)?.v, 4);
});

test("many changes of one row are painted once", () => {
  const store = loaded([row(0), row(1)]);
  for (let at = 0; at < 50; at++)
    store.apply({ t: "d", p: 10 + at, o: 11 + at, b: BASE, u: [change(0, at)] });
  const painted: number[] = [];
  store.flush((one) => painted.push(one.v ?? NaN));
  assert.deepEqual(painted, [49]);
  store.flush(() => assert.fail("nothing is dirty"));
});

test("a window that closes joins the history, which stays bounded", () => {
  const store = loaded([row(0, { hist: [] })]);
  for (let at = 1; at <= 60; at++) {
    store.apply({ t: "d", p: 9 + at, o: 10 + at, b: BASE, u: [change(0, at, at * HOUR)] });
  }
  const history = store.rows.get(0)?.hist ?? [];
  assert.equal(history.length, HISTORY_MAX);
  assert.deepEqual(history.at(-1), [BASE + 59 * HOUR, 59]);
  assert.equal(store.closed, 60);
});

test("parts of a snapshot apply together and keep the histories", () => {
  const store = loaded([row(0, { hist: [[BASE - HOUR, 9]] }), row(1)]);
  assert.equal(store.part("e1", 30, 0, 2, [row(0, { v: 5 })]), "ok");
  assert.equal(store.rows.get(0)?.v, 1);
  assert.equal(store.staging, true);
  assert.equal(store.part("e1", 30, 1, 2, [row(1, { v: 6 })]), "ok");
  assert.deepEqual([store.rows.get(0)?.v, store.rows.get(1)?.v, store.offset], [5, 6, 30]);
  assert.deepEqual(store.rows.get(0)?.hist, [[BASE - HOUR, 9]]);
});

test("parts out of order or of another epoch are a gap", () => {
  assert.equal(loaded([row(0)]).part("e1", 30, 1, 2, []), "gap");
  assert.equal(loaded([row(0)]).part("e2", 30, 0, 1, []), "gap");
});

test("a newer history never sets a live value back", () => {
  const store = loaded([row(0)]);
  store.apply({ t: "d", p: 10, o: 11, b: BASE, u: [change(0, 42)] });
  store.refreshHistory({
    epoch: "e1",
    rows: [
      row(0, {
        v: 1,
        hist: [
          [BASE - HOUR, 3],
          [BASE - 2 * HOUR, 2],
        ],
      }),
    ],
  } as unknown as Snapshot);
  assert.equal(store.rows.get(0)?.v, 42);
  assert.deepEqual(store.rows.get(0)?.hist, [
    [BASE - 2 * HOUR, 2],
    [BASE - HOUR, 3],
  ]);
});
