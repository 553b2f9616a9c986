// The address and the keys of a replay.
import assert from "node:assert/strict";
import { test } from "node:test";
import { SPEED_MAX, asked, faster } from "../src/replay.ts";
import { liveAddress, momentAddress } from "../src/replay_keys.ts";

test("only an address with a moment is of the past", () => {
  assert.equal(asked("?lang=en&speed=10"), null);
  const at = Date.UTC(2026, 10, 20, 12);
  assert.deepEqual(asked("?at=2026-11-20T19:00:00%2B07:00&speed=10&mode=difference"), {
    at,
    speed: 10,
    mode: "difference",
  });
  assert.deepEqual(
    asked("?at=2026-11-20T19:00:00+07:00&speed=-3&mode=best"),
    { at, speed: 1, mode: "known" },
    "a plus sign typed by hand; what cannot be is as if it were not there",
  );
  assert.equal(asked("?at=2026-11-20T12:00:00Z&speed=1e9")?.speed, SPEED_MAX);
  assert.ok(Number.isNaN(asked("?at=yesterday")?.at));
});

test("speeds go up and down within their bounds", () => {
  assert.equal(faster(1, false), 1);
  assert.equal(faster(1, true), 10);
  assert.equal(faster(30, true), 60);
  assert.equal(faster(30, false), 10);
  assert.equal(faster(SPEED_MAX, true), SPEED_MAX);
});

test("addresses lead to the moment and back to the present", () => {
  const at = Date.UTC(2026, 10, 20, 12, 0, 7);
  const there = momentAddress("http://node/wall/main?lang=en", { at, speed: 60, mode: "corrected" });
  assert.deepEqual(asked(new URL(there).search), { at, speed: 60, mode: "corrected" });
  assert.equal(liveAddress(there), "http://node/wall/main?lang=en");
});
