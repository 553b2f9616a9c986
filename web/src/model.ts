// What every part of the page reads: catalogue, table, clock, words.
import type { ServerClock } from "./clock.ts";
import type { CivilTime } from "./format.ts";
import type { Words } from "./i18n.ts";
import { FLAG } from "./protocol.ts";
import type { Area, Heartbeat, Indicator, Row, Snapshot } from "./protocol.ts";
import type { ReplayLink } from "./replay.ts";
import type { ScreenLink } from "./socket.ts";
import type { Store } from "./store.ts";

/** Built once per snapshot structure; rows and words change inside. */
export class Model {
  readonly areas = new Map<string, Area>();
  /** The area the tiles and pages are of: the one the view is limited to, else the province. */
  readonly home: Area | null;
  heartbeat: Heartbeat | null = null;
  /** Whether any row of the view is simulated or replayed: then so is a tile that has no data yet. */
  origin = { simulated: false, replayed: false };
  #numbers = new Map<string, number>();

  constructor(
    public snapshot: Snapshot,
    readonly store: Store,
    readonly clock: ServerClock,
    readonly link: ScreenLink,
    readonly words: Words,
    readonly civil: CivilTime,
    /** The link again, where it leads into the past. */
    readonly replay: ReplayLink | null = null,
  ) {
    for (const area of snapshot.areas) this.areas.set(area.code, area);
    const limited = snapshot.view.area;
    const isHome = (area: Area): boolean => (limited ? area.code === limited : area.parent === null);
    this.home = snapshot.areas.find(isHome) ?? null;
    for (const entry of snapshot.dict) this.#numbers.set(`${entry.indicator}\n${entry.area}`, entry.id);
  }

  /** The row of a figure; undefined if the view has none. */
  row(indicator: string, area: string): Row | undefined {
    const id = this.#numbers.get(`${indicator}\n${area}`);
    return id === undefined ? undefined : this.store.rows.get(id);
  }

  number(indicator: string, area: string): number | undefined {
    return this.#numbers.get(`${indicator}\n${area}`);
  }

  indicator(id: string): Indicator | undefined {
    return this.snapshot.indicators[id];
  }

  /** Looks at all rows anew; called at each tick. */
  lookAtOrigin(): void {
    let flags = 0;
    for (const row of this.store.rows.values()) flags |= row.f;
    this.origin.simulated = (flags & FLAG.simulated) !== 0;
    this.origin.replayed = (flags & FLAG.replayed) !== 0;
  }

  /** The server's time now, ms. */
  now(): number {
    return this.clock.at(performance.now());
  }
}

/** Everything that decides the page's static parts; the same text means the page can stay. */
export function structure(snapshot: Snapshot): string {
  const { view, profile, indicators, areas, dict } = snapshot;
  return JSON.stringify([view, profile, indicators, areas, dict]);
}
