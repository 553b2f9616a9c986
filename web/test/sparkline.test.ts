// Sparkline geometry: gaps stay gaps, the open window is hollow, the time base is fixed.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ClosedWindow, Row } from "../src/protocol.ts";
import { WIDTH, spark, windowLength } from "../src/sparkline.ts";

const HOUR = 3_600_000;

function row(hist: ClosedWindow[], v: number | null, f = 2): Row {
  return {
    id: 0,
    t: 1,
    v,
    q: 0,
    f,
    k: 1,
    m: 1,
    l: 0,
    w: [10 * HOUR, 11 * HOUR],
    b: [null, 1, 1, 1],
    rev: 0,
    o: 1,
    hist,
  };
}

test("neighbours are joined, a null breaks the line", () => {
  const drawn = spark(
    row(
      [
        [6 * HOUR, 1],
        [7 * HOUR, 2],
        [8 * HOUR, null],
        [9 * HOUR, 3],
      ],
      4,
    ),
    null,
    HOUR,
  );
  assert.equal(drawn.line.match(/M/g)?.length, 2);
  assert.equal(drawn.line.match(/L/g)?.length, 1);
  assert.equal(drawn.points, 4);
});

test("a window that is absent altogether breaks the line too", () => {
  const drawn = spark(
    row(
      [
        [6 * HOUR, 1],
        [9 * HOUR, 3],
      ],
      4,
    ),
    null,
    HOUR,
  );
  assert.equal(drawn.line.match(/M/g)?.length, 2);
});

test("the open window is hollow at the right edge; a closed one is solid and part of the line", () => {
  const open = spark(row([[9 * HOUR, 3]], 4), null, HOUR);
  assert.deepEqual([open.end?.hollow, open.end?.x, open.open !== ""], [true, WIDTH - 8, true]);
  const closed = spark(row([[9 * HOUR, 3]], 4, 0), null, HOUR);
  assert.deepEqual([closed.end?.hollow, closed.open], [false, ""]);
  assert.equal(closed.line.match(/L/g)?.length, 1);
});

test("missing now: no end point; nothing at all: nothing drawn, no zero", () => {
  assert.equal(spark(row([[9 * HOUR, 3]], null), null, HOUR).end, null);
  assert.deepEqual(spark(row([], null), 50, HOUR), {
    line: "",
    open: "",
    end: null,
    limit_y: null,
    points: 0,
  });
});

test("a limit far outside is not drawn, a near one is", () => {
  const hist: ClosedWindow[] = [
    [8 * HOUR, 10],
    [9 * HOUR, 20],
  ];
  assert.equal(spark(row(hist, 15), 500, HOUR).limit_y, null);
  assert.notEqual(spark(row(hist, 15), 25, HOUR).limit_y, null);
});

test("window words", () => {
  assert.equal(windowLength("5m", undefined), 300_000);
  assert.equal(windowLength("1h", undefined), HOUR);
  assert.equal(windowLength("1d", undefined), 24 * HOUR);
  assert.equal(windowLength("hour", undefined), HOUR);
  assert.equal(Math.round(windowLength("1mo", undefined) / HOUR / 24), 30);
  assert.equal(windowLength("unheard of", row([], 1)), HOUR);
});
