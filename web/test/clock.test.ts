// The estimated server clock: least round trip wins, jumps start over, rate and steps are followed.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ServerClock } from "../src/clock.ts";
import { delay_ms } from "../src/socket.ts";

const SERVER = 1_795_244_700_000;

test("unknown before the first word", () => {
  const clock = new ServerClock();
  assert.equal(clock.known, false);
  assert.ok(Number.isNaN(clock.at(5)));
});

test("four timestamps find the offset through an asymmetric but fast link", () => {
  const clock = new ServerClock();
  clock.tell(SERVER + 900, 1, 1000);
  clock.sample(1000, SERVER + 1400, SERVER + 1400, 1800);
  clock.sample(2000, SERVER + 2002, SERVER + 2002, 2004);
  assert.equal(clock.at(5000), SERVER + 5000);
  assert.equal(clock.uncertainty_ms, 2);
});

test("a slow sample never replaces a fast one among the last eight", () => {
  const clock = new ServerClock();
  clock.tell(SERVER, 1, 0);
  clock.sample(0, SERVER + 1, SERVER + 1, 2);
  for (let at = 1; at <= 7; at++)
    clock.sample(at * 100, SERVER + at * 100 + 40, SERVER + at * 100 + 40, at * 100 + 50);
  assert.equal(clock.at(1000), SERVER + 1000);
  clock.sample(900, SERVER + 940, SERVER + 940, 950);
  assert.equal(clock.at(1000), SERVER + 1015);
});

test("a round trip above the bound says nothing", () => {
  const clock = new ServerClock();
  clock.tell(SERVER, 1, 0);
  clock.sample(0, SERVER + 9000, SERVER + 9000, 2500);
  assert.equal(clock.at(0), SERVER);
});

test("a clock at speed 60 runs at 60 and grants 60 s", () => {
  const clock = new ServerClock();
  clock.tell(SERVER, 60, 0);
  clock.sample(0, SERVER + 60, SERVER + 60, 2);
  assert.equal(clock.at(1001), SERVER + 60_060);
  assert.equal(clock.grace_ms, 60_000);
});

test("the real clock grants nothing", () => {
  const clock = new ServerClock();
  clock.tell(SERVER, 1, 0);
  assert.equal(clock.grace_ms, 0);
});

test("a stepped clock moves only with heartbeats", () => {
  const clock = new ServerClock();
  clock.tell(SERVER, 0, 0);
  assert.equal(clock.at(60_000), SERVER);
  clock.tell(SERVER + 3_600_000, 0, 60_000);
  assert.equal(clock.at(61_000), SERVER + 3_600_000);
});

test("a heartbeat far from the estimate starts over, a near one does not", () => {
  const clock = new ServerClock();
  clock.tell(SERVER, 1, 0);
  clock.sample(0, SERVER + 1, SERVER + 1, 2);
  clock.tell(SERVER + 1000 - 400, 1, 1000);
  assert.equal(clock.at(1000), SERVER + 1000);
  clock.tell(SERVER + 500_000, 1, 2000);
  assert.equal(clock.at(2000), SERVER + 500_000);
});

test("the back-off stays between half and whole of min(1 s, 200·2ⁿ)", () => {
  assert.equal(delay_ms(0, 0), 100);
  assert.equal(delay_ms(0, 1), 200);
  assert.equal(delay_ms(2, 1), 800);
  assert.equal(delay_ms(3, 1), 1000);
  assert.equal(delay_ms(400, 1), 1000);
  assert.equal(delay_ms(400, 0), 500);
});
