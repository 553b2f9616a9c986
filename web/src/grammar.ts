// The value grammar: what may be said about a row now. A pure function; nothing of it is ever stored.
import { FLAG, type Indicator, type Row, type Target } from "./protocol.ts";

/** A value is live up to this many cadences. */
export const LIVE_CADENCES = 1.5;

export type Freshness = "live" | "late" | "stale" | "never";
export type Quality = "good" | "uncertain" | "bad" | "never";
export type Standing = "none" | "normal" | "warning" | "exceeded";
export type Settled = "provisional" | "final" | "revised" | "restated";
export type Reason =
  | ""
  | "estimated"
  | "last_usable"
  | "calibrating"
  | "uncertain"
  | "out_of_range"
  | "device"
  | "out_of_service"
  | "bad"
  | "missing"
  | "no_data";

/** All that a screen says about a figure beside its number. */
export interface State {
  freshness: Freshness;
  quality: Quality;
  reason: Reason;
  /** now − event time, ms; null where there never was one. */
  age_ms: number | null;
  /** Whether `row.v` may be shown as the current value (perhaps muted). */
  shown: boolean;
  partial: boolean;
  /** k of m is below the least completeness: the number stands for too little. */
  insufficient: boolean;
  settled: Settled;
  standing: Standing;
  typed: boolean;
  simulated: boolean;
  replayed: boolean;
}

const UNCERTAIN: Readonly<Record<number, Reason>> = { 64: "estimated", 65: "last_usable", 66: "calibrating" };
const BAD: Readonly<Record<number, Reason>> = {
  128: "out_of_range",
  129: "device",
  130: "missing",
  131: "out_of_service",
};

/** `now` in server ms; `grace_ms` is added to both limits when the server's clock runs fast. */
export function state(row: Row, indicator: Indicator, now: number, grace_ms = 0): State {
  const quality = qualityOf(row);
  const age_ms = row.t === null || quality === "never" ? null : Math.max(0, now - row.t);
  return {
    freshness: freshnessOf(age_ms, indicator, grace_ms),
    quality,
    reason: reasonOf(row, quality),
    age_ms,
    shown: row.v !== null && (quality === "good" || quality === "uncertain"),
    partial: (row.f & FLAG.partial) !== 0 || row.k < row.m,
    insufficient: !isComplete(row, indicator),
    settled: settledOf(row.f),
    standing: STANDINGS[row.l] ?? "none",
    typed: (row.f & FLAG.typed) !== 0,
    simulated: (row.f & FLAG.simulated) !== 0,
    replayed: (row.f & FLAG.replayed) !== 0,
  };
}

const STANDINGS: readonly Standing[] = ["none", "normal", "exceeded", "warning"];

/** Whether enough of the sources due have spoken for a total to mean something. */
export function isComplete(row: { k: number; m: number }, indicator: Indicator): boolean {
  return row.m === 0 || row.k >= row.m * indicator.completeness_min;
}

/** The row to show where a newer window has too few sources: the last complete one, under its own time. */
export function lastComplete(row: Row, indicator: Indicator): Row {
  const { kept } = row;
  if (!kept || isComplete(row, indicator)) return row;
  return { ...row, ...kept, q: kept.v === null ? row.q : 0, f: row.f & ~(FLAG.provisional | FLAG.partial) };
}

/** The target of an area that holds on the day a window starts; null: none was set. */
export function targetOf(indicator: Indicator, area: string, row: Row | undefined): Target | null {
  const start = row?.w?.[0];
  if (start === undefined) return null;
  const holds = (target: Target): boolean =>
    target.area === area &&
    (target.from === null || target.from <= start) &&
    (target.to === null || start < target.to);
  return indicator.targets?.find(holds) ?? null;
}

/** Whether a value meets its target; null: nothing to judge. */
export function meets(value: number | null, target: Target | null, indicator: Indicator): boolean | null {
  if (value === null || target === null || indicator.direction === "neutral") return null;
  return indicator.direction === "worse" ? value <= target.value : value >= target.value;
}

function settledOf(flags: number): Settled {
  if ((flags & FLAG.restated) !== 0) return "restated";
  if ((flags & FLAG.revised) !== 0) return "revised";
  return (flags & FLAG.provisional) !== 0 ? "provisional" : "final";
}

function qualityOf(row: Row): Quality {
  if (row.t === null) return "never";
  if (row.v === null || row.q >= 128) return "bad";
  return row.q >= 64 ? "uncertain" : "good";
}

function reasonOf(row: Row, quality: Quality): Reason {
  if (quality === "never") return "no_data";
  if (quality === "uncertain") return UNCERTAIN[row.q] ?? "uncertain";
  if (quality === "bad") return row.q >= 128 ? (BAD[row.q] ?? "bad") : "missing";
  return "";
}

function freshnessOf(age_ms: number | null, indicator: Indicator, grace_ms: number): Freshness {
  if (age_ms === null) return "never";
  const stale_ms = indicator.stale_s * 1000 + grace_ms;
  if (age_ms > stale_ms) return "stale";
  return age_ms > Math.min(LIVE_CADENCES * indicator.cadence_s * 1000 + grace_ms, stale_ms) ? "late" : "live";
}
