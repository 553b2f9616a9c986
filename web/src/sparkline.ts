// The geometry of a sparkline: closed windows on a fixed time base, gaps where a window is missing.
import type { ClosedWindow, Row } from "./protocol.ts";
import { HISTORY_MAX, isProvisional } from "./store.ts";

/** The drawing's own units; the page scales them. */
export const WIDTH = 480;
export const HEIGHT = 120;
const PAD = 8;

/** What there is to draw. */
export interface Spark {
  /** Path of the solid line through closed windows; empty if there is none. */
  line: string;
  /** Path of the dashed piece to the open window. */
  open: string;
  /** The newest point, null if it is missing. */
  end: { x: number; y: number; hollow: boolean } | null;
  /** y of the limit, null if it lies far outside. */
  limit_y: number | null;
  /** How many windows have a value. */
  points: number;
}

/** `length_ms`: the usual length of a window. The time base is always HISTORY_MAX windows and one. */
export function spark(row: Row, limit: number | null, length_ms: number): Spark {
  const closed = (row.hist ?? []).filter((entry) => !row.w || entry[0] < row.w[0]);
  const newest: ClosedWindow | null = row.w ? [row.w[0], row.v] : null;
  const all = newest ? [...closed, newest] : closed;
  const last = all[all.length - 1];
  const scale = scaleOf(all, limit);
  if (!last || !scale) return { line: "", open: "", end: null, limit_y: null, points: 0 };
  const x = (start: number): number => {
    const back = Math.round((last[0] - start) / length_ms);
    return round(PAD + (WIDTH - 2 * PAD) * (1 - back / HISTORY_MAX));
  };
  const hollow = newest !== null && isProvisional(row);
  const line = path(hollow ? closed : all, x, scale.y, length_ms);
  const before = closed[closed.length - 1];
  const joined =
    hollow && before && before[1] !== null && last[1] !== null && adjacent(before, last, length_ms);
  const open = joined ? `M${x(before[0])} ${scale.y(before[1]!)}L${x(last[0])} ${scale.y(last[1]!)}` : "";
  const end = last[1] === null ? null : { x: x(last[0]), y: scale.y(last[1]), hollow };
  return { line, open, end, limit_y: scale.limit_y, points: all.filter((entry) => entry[1] !== null).length };
}

/** The usual length of an indicator's window in ms, from `5m`, `hour`, `1mo`, else from the row itself. */
export function windowLength(window: string, row: Row | undefined): number {
  if (window === "hour") return 3_600_000;
  // Of windows that hop, neighbours are one hop apart.
  const match = /^(?:\d+[a-z]+(?: every |\/))?(\d+)(s|m|h|d|w|mo|q|y)$/.exec(window);
  if (match) return Number(match[1]) * (UNITS_MS[match[2]!] ?? 1);
  return row?.w ? row.w[1] - row.w[0] : 3_600_000;
}

const DAY_MS = 86_400_000;
/** Months and years by their mean length: enough to tell neighbours from gaps. */
const UNITS_MS: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: DAY_MS,
  w: 7 * DAY_MS,
  q: 91.3107 * DAY_MS,
  mo: 30.4369 * DAY_MS,
  y: 365.2425 * DAY_MS,
};

function scaleOf(
  all: ClosedWindow[],
  limit: number | null,
): { y: (value: number) => number; limit_y: number | null } | null {
  let low = Infinity;
  let high = -Infinity;
  for (const [, value] of all) {
    if (value === null) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (low > high) return null;
  const span = high - low;
  const near = limit !== null && limit <= high + span && limit >= low - span;
  if (near) {
    low = Math.min(low, limit);
    high = Math.max(high, limit);
  }
  if (high === low) {
    high += Math.abs(high) * 0.05 + 1e-9;
    low -= Math.abs(low) * 0.05 + 1e-9;
  }
  const y = (value: number): number =>
    round(HEIGHT - PAD - ((HEIGHT - 2 * PAD) * (value - low)) / (high - low));
  return { y, limit_y: near ? y(limit) : null };
}

/** Lines only between neighbouring windows; a value alone between two gaps is a short dash. */
function path(
  entries: ClosedWindow[],
  x: (start: number) => number,
  y: (value: number) => number,
  length: number,
): string {
  let text = "";
  let previous: ClosedWindow | null = null;
  for (const entry of entries) {
    if (entry[1] !== null) {
      const joined = previous !== null && previous[1] !== null && adjacent(previous, entry, length);
      text += joined ? `L${x(entry[0])} ${y(entry[1])}` : `M${x(entry[0])} ${y(entry[1])}h0.01`;
    }
    previous = entry;
  }
  return text;
}

function adjacent(left: ClosedWindow, right: ClosedWindow, length_ms: number): boolean {
  return Math.round((right[0] - left[0]) / length_ms) <= 1;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
