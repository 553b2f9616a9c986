// Which page of the secondary zone stands now: by the clock and by what its figures say, so that all walls agree.
import type { State } from "./grammar.ts";

/** What a page's figures say. */
export interface PageState {
  /** One of them is beyond its limit. */
  exceeded: boolean;
  /** None of them has a value that is still good. */
  idle: boolean;
}

/** The page that stands, and whether it waits because one of its figures is beyond its limit. */
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

/** `now` in server ms. Pages beyond a limit stand alone (in turn if there are several); idle ones are left out while
 *  others are not. At speed X a page stays as long as it would in real time. */
export function pageAt(pages: readonly PageState[], now: number, dwell_ms: number, rate: number): Standing {
  const numbers = pages.map((_, at) => at);
  const exceeded = numbers.filter((at) => pages[at]!.exceeded);
  const awake = numbers.filter((at) => !pages[at]!.idle);
  const turn = exceeded.length > 0 ? exceeded : awake.length > 0 ? awake : numbers;
  if (turn.length === 0) return { at: -1, held: false };
  const period = dwell_ms * Math.max(rate, 1);
  const step = Number.isFinite(now) ? Math.floor(now / period) : 0;
  return { at: turn[((step % turn.length) + turn.length) % turn.length]!, held: exceeded.length > 0 };
}
