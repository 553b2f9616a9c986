// Numbers, ages and civil times in both languages.
import assert from "node:assert/strict";
import { test } from "node:test";
import { CivilTime, age, number, percent } from "../src/format.ts";

const plain = (text: string): string => text.replaceAll("\u00a0", " ");

test("Vietnamese and English numbers", () => {
  assert.equal(number(1204.5, 1, "vi"), "1.204,5");
  assert.equal(number(1204.5, 1, "en"), "1,204.5");
  assert.equal(number(1_234_567, 0, "vi"), "1.234.567");
  assert.equal(number(0, 1, "vi"), "0,0");
  assert.equal(number(-12.34, 1, "vi"), "−12,3");
  assert.equal(number(-0.04, 1, "en"), "0.0");
  assert.equal(number(999, 0, "en"), "999");
});

test("percent rounds down: only a whole is 100", () => {
  assert.equal(percent(1, "vi"), "100");
  assert.equal(percent(0.9996, "vi"), "99,9");
  assert.equal(percent(0.978, "en"), "97.8");
  assert.equal(percent(0, "vi"), "0");
  assert.equal(percent(0.29, "vi"), "29");
});

test("ages", () => {
  const vi = [0, 12_900, 59_999, 60_000, 240_000, 7_800_000, 172_800_000].map((ms) => plain(age(ms, "vi")));
  assert.deepEqual(vi, ["0 s", "12 s", "59 s", "1 ph", "4 ph", "2 g 10 ph", "2 ngày"]);
  assert.equal(plain(age(7_800_000, "en")), "2 h 10 min");
  assert.equal(plain(age(7_200_000, "en")), "2 h");
});

test("civil time is the profile's, whatever the browser's zone", () => {
  const civil = new CivilTime("Asia/Ho_Chi_Minh");
  assert.equal(civil.full(Date.UTC(2026, 10, 21, 7, 5, 12)), "21/11/2026 14:05:12");
  assert.equal(civil.full(Date.UTC(2026, 10, 20, 17, 0, 0)), "21/11/2026 00:00:00");
  assert.equal(civil.parts(Date.UTC(2026, 10, 21, 7)).weekday, 6);
});

test("windows are named by their civil span", () => {
  const civil = new CivilTime("Asia/Ho_Chi_Minh");
  const at = (day: number, hour: number, minute = 0): number => Date.UTC(2026, 10, day, hour - 7, minute);
  assert.equal(civil.window(at(21, 14), at(21, 15)), "14:00–15:00");
  assert.equal(civil.window(at(21, 23, 55), at(22, 0)), "23:55–00:00");
  assert.equal(civil.window(at(21, 0), at(22, 0)), "21/11");
  assert.equal(civil.window(at(30, 0), at(31, 0)), "30/11");
  assert.equal(civil.window(at(1, 0), at(31, 0)), "11/2026");
});
