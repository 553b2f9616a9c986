// The secondary zone is a function of the clock: the same page on every wall, those beyond a limit sooner.
import assert from "node:assert/strict";
import { test } from "node:test";
import { pageAt, type PageState } from "../src/rotation.ts";

const calm: PageState = { exceeded: false, idle: false };
const idle: PageState = { exceeded: false, idle: true };
const loud: PageState = { exceeded: true, idle: false };
const at = (pages: PageState[], seconds: number, rate = 1): number =>
  pageAt(pages, seconds * 1000, 20_000, rate).at;

test("pages follow each other, each for its time, wherever a wall begins", () => {
  assert.deepEqual(
    [0, 19.9, 20, 39.9, 40, 60].map((second) => at([calm, calm, calm], second)),
    [0, 0, 1, 1, 2, 0],
  );
});

test("a page beyond a limit takes every other turn, and no page is left out for it", () => {
  assert.deepEqual(
    [0, 20, 40, 60].map((second) => at([calm, loud, calm], second)),
    [1, 0, 1, 2],
  );
  assert.equal(pageAt([calm, loud], 0, 20_000, 1).held, true);
  assert.equal(pageAt([calm, loud], 20_000, 20_000, 1).held, false);
  assert.deepEqual(
    [0, 20, 40, 60].map((second) => at([loud, calm, loud], second)),
    [0, 1, 2, 1],
  );
  assert.deepEqual(
    [0, 20, 40].map((second) => at([loud, idle, loud], second)),
    [0, 2, 0],
  );
});

test("a page with nothing fresh is left out, unless all are so", () => {
  assert.deepEqual(
    [0, 20, 40].map((second) => at([idle, calm, calm], second)),
    [1, 2, 1],
  );
  assert.deepEqual(
    [0, 20].map((second) => at([idle, idle], second)),
    [0, 1],
  );
});

test("at speed 20 a page stays as long as in real time; without pages there is none", () => {
  assert.deepEqual(
    [0, 399, 400].map((second) => at([calm, calm], second, 20)),
    [0, 0, 1],
  );
  assert.equal(pageAt([], 0, 20_000, 1).at, -1);
  assert.equal(pageAt([calm, calm], NaN, 20_000, 1).at, 0);
});
