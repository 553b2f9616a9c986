// Which page of the secondary zone stands now: by the clock and by what its figures say, so that all walls agree.
import type { State } from "./grammar.ts";

/** What a page's figures say. */
export interface PageState {
  /** One of them is beyond its limit. */
  exceeded: boolean;
  /** None of them has a value that is still good. */
  idle: boolean;
}

/** The page that stands, and whether it does so out of turn because one of its figures is beyond its limit. */
export interface Standing {
  at: number;
  held: boolean;
}

/** Sums up the states of a page's figures; undefined: the view has no such row. */
export function pageState(states: readonly (State | null)[]): PageState {
  const good = (state: State | null): boolean =>
    state !== null && state.shown && state.freshness !== "stale" && state.freshness !== "never";
  return {
    exceeded: states.some((state) => state !== null && state.shown && state.standing === "exceeded"),
    idle: !states.some(good),
  };
}

/** `now` in server ms. Pages beyond a limit take every other turn, so that they come soon and the others still come;
 *  idle ones are left out while others are not. At speed X a page stays as long as it would in real time. */
export function pageAt(pages: readonly PageState[], now: number, dwell_ms: number, rate: number): Standing {
  const numbers = pages.map((_, at) => at);
  const exceeded = numbers.filter((at) => pages[at]!.exceeded);
  const awake = numbers.filter((at) => !pages[at]!.idle && !pages[at]!.exceeded);
  const period = dwell_ms * Math.max(rate, 1);
  const step = Number.isFinite(now) ? Math.floor(now / period) : 0;
  if (exceeded.length > 0 && awake.length > 0) {
    const [turn, half] = step % 2 === 0 ? [exceeded, step / 2] : [awake, (step - 1) / 2];
    return { at: nth(turn, half), held: turn === exceeded };
  }
  const turn = exceeded.length > 0 ? exceeded : awake.length > 0 ? awake : numbers;
  return { at: nth(turn, step), held: exceeded.length > 0 };
}

/** The page of a step, counted round and round; -1 where there is none. */
function nth(turn: readonly number[], step: number): number {
  return turn[((step % turn.length) + turn.length) % turn.length] ?? -1;
}
