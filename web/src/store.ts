// The table of rows: snapshot in, deltas in, a dirty set out once per animation frame.
import { isComplete } from "./grammar.ts";
import {
  FLAG,
  type Change,
  type ClosedWindow,
  type Delta,
  type Indicator,
  type Row,
  type Snapshot,
} from "./protocol.ts";

/** Closed windows kept per row. */
export const HISTORY_MAX = 48;

/** What a delta did to the table. */
export type Applied = "ok" | "gap" | "unknown";

/** Rows by number. Holds no state of display. */
export class Store {
  epoch = "";
  offset = 0;
  /** The number of the last event taken in this epoch. */
  event = 0;
  rows = new Map<number, Row>();
  /** Windows that closed since the last snapshot: their final value is not known here. */
  closed = 0;
  #dirty = new Set<number>();
  #staged: Row[] = [];
  #parts = 0;
  #eventEpoch = "";
  #indicators = new Map<number, Indicator>();

  /** Starts over from a snapshot. */
  load(snapshot: Snapshot): void {
    this.epoch = snapshot.epoch;
    if (snapshot.epoch !== this.#eventEpoch) this.event = 0;
    this.#eventEpoch = snapshot.epoch;
    this.offset = snapshot.offset;
    this.rows.clear();
    this.#dirty.clear();
    this.#staged = [];
    this.#parts = 0;
    this.closed = 0;
    this.#indicators.clear();
    for (const entry of snapshot.dict ?? []) {
      const indicator = snapshot.indicators?.[entry.indicator];
      if (indicator) this.#indicators.set(entry.id, indicator);
    }
    for (const row of snapshot.rows) this.#put(row);
  }

  /** Takes only the closed windows of a newer snapshot of the same epoch; live values are never set back. */
  refreshHistory(snapshot: Snapshot): void {
    if (snapshot.epoch !== this.epoch) return;
    this.closed = 0;
    for (const fresh of snapshot.rows) {
      const row = this.rows.get(fresh.id);
      if (!row || !fresh.hist) continue;
      row.hist = sorted(fresh.hist);
      if (row.w?.[0] === fresh.w?.[0]) row.kept = fresh.kept ?? null;
      this.#dirty.add(fresh.id);
    }
  }

  /** One part of a snapshot over the socket; applied at once after the last part, keeping the histories. */
  part(epoch: string, offset: number, part: number, parts: number, rows: Row[]): Applied {
    if (epoch !== this.epoch || part !== this.#parts) return "gap";
    this.#parts++;
    for (const row of rows) this.#staged.push(row);
    if (this.#parts < parts) return "ok";
    for (const row of this.#staged) {
      const old = this.rows.get(row.id);
      if (old?.hist && !row.hist) row.hist = old.hist;
      if (old?.kept && row.kept === undefined) row.kept = old.kept;
      this.#put(row);
    }
    this.#staged = [];
    this.#parts = 0;
    this.offset = offset;
    return "ok";
  }

  /** A frame must begin where the last one ended. */
  advance(previous: number, offset: number): Applied {
    if (previous !== this.offset) return "gap";
    this.offset = offset;
    return "ok";
  }

  /** The latest of every changed value in (p, o]. */
  apply(delta: Delta): Applied {
    if (this.advance(delta.p, delta.o) === "gap") return "gap";
    let result: Applied = "ok";
    for (const change of delta.u) if (!this.#change(change, delta)) result = "unknown";
    return result;
  }

  /** Hands each changed row to `paint` once and forgets the marks. */
  flush(paint: (row: Row) => void): void {
    if (this.#dirty.size === 0) return;
    for (const id of this.#dirty) {
      const row = this.rows.get(id);
      if (row) paint(row);
    }
    this.#dirty.clear();
  }

  /** Whether parts of a snapshot are still awaited: the position is not yet known. */
  get staging(): boolean {
    return this.#parts > 0;
  }

  get dirty(): boolean {
    return this.#dirty.size > 0;
  }

  #put(row: Row): void {
    if (row.hist) row.hist = sorted(row.hist);
    this.rows.set(row.id, row);
    this.#dirty.add(row.id);
  }

  #change(change: Change, delta: Delta): boolean {
    const row = this.rows.get(change[0]);
    if (!row) return false;
    const base = delta.b;
    const start = change[8];
    const end = change[9];
    if (row.w && start !== null && base + start > row.w[0]) this.#close(row);
    row.t = change[1] === null ? null : base + change[1];
    row.v = change[2];
    row.q = change[3];
    row.f = change[4];
    row.k = change[5];
    row.m = change[6];
    row.l = change[7];
    if (start === null || end === null) row.w = null;
    else if (row.w) {
      row.w[0] = base + start;
      row.w[1] = base + end;
    } else row.w = [base + start, base + end];
    row.b = change[10];
    row.rev = change[11];
    row.o = delta.o;
    this.#dirty.add(row.id);
    return true;
  }

  /** The window moved on: its last known value stands as closed until a snapshot tells the final one. */
  #close(row: Row): void {
    if (!row.w) return;
    const indicator = this.#indicators.get(row.id);
    if (indicator && row.v !== null && isComplete(row, indicator)) {
      row.kept = { t: row.t, v: row.v, k: row.k, m: row.m, l: row.l, w: [row.w[0], row.w[1]] };
    }
    row.hist ??= [];
    const last = row.hist[row.hist.length - 1];
    if (!last || last[0] < row.w[0]) row.hist.push([row.w[0], row.v]);
    while (row.hist.length > HISTORY_MAX) row.hist.shift();
    this.closed++;
  }
}

/** Whether the newest window of a row is still open. */
export function isProvisional(row: Row): boolean {
  return (row.f & FLAG.provisional) !== 0;
}

function sorted(history: ClosedWindow[]): ClosedWindow[] {
  return history.sort((left, right) => left[0] - right[0]).slice(-HISTORY_MAX);
}
