// Where the bottom line has no room for all domains, those with the worst words stand on it, in the order of their ids.
import assert from "node:assert/strict";
import { test } from "node:test";
import { domainsOf, shownDomains } from "../src/domains.ts";
import type { Badge } from "../src/protocol.ts";

const words = (du: number | null, song: number | null): Badge => [null, du, 1, song];
const badges = {
  "": words(0.1, 0.1),
  a: words(1, 1),
  b: words(0.5, 1),
  c: words(null, null),
  d: words(1, 0.4),
};

test("all of them while there is room", () => {
  assert.deepEqual(domainsOf(badges), ["a", "b", "c", "d"]);
  assert.deepEqual(shownDomains(badges, 4), ["a", "b", "c", "d"]);
  assert.deepEqual(shownDomains({}, 4), []);
});

test("the worst of any word; what is not judged is not bad", () => {
  assert.deepEqual(shownDomains(badges, 2), ["b", "d"]);
  assert.deepEqual(shownDomains(badges, 1), ["d"]);
});
