// The live protocol nhip.v1 as the screens see it: snapshot (HTTP) and frames (WebSocket).

/** A text in both languages. */
export interface Label {
  vi: string;
  en: string;
}

/** đúng, đủ, sạch, sống; each 0…1, null: not judged. */
export type Badge = [number | null, number | null, number | null, number | null];

/** What a figure is: everything about it that does not change between snapshots. */
export interface Indicator {
  name: Label;
  unit: string;
  /** Digits behind the point. */
  scale: number;
  domain: string;
  direction: "worse" | "better" | "neutral";
  cadence_s: number;
  stale_s: number;
  completeness_min: number;
  window: string;
  limit: number | null;
  /** Whether beyond the limit means below it. */
  below: boolean;
  document: string;
  owner: string;
  /** Who answers, by name. */
  owner_name?: Label;
  /** The limit of a warning, null: none. */
  warning?: number | null;
  /** All targets; which one holds follows from the window a row shows. */
  targets?: Target[];
}

/** A dated target of one area; `from` and `to` (exclusive) in ms, null: open. */
export interface Target {
  area: string;
  value: number;
  from: number | null;
  to: number | null;
  document: string;
}

/** One page of a view's secondary zone. */
export interface RotationPage {
  title: Label;
  indicators: string[];
}

/** A unit and its four words. */
export type UnitBadge = [id: string, badge: Badge];

/** A province or commune; `cell` is column and row in the cartogram. */
export interface Area {
  code: string;
  name: Label;
  kind: string;
  parent: string | null;
  cell: [number, number] | null;
}

/** Which figure stands behind a row number. */
export interface DictEntry {
  id: number;
  indicator: string;
  area: string;
  sensitivity: string;
}

/** One closed window: its start in ms, its value. */
export type ClosedWindow = [number, number | null];

/** One figure's newest value. */
export interface Row {
  id: number;
  /** Event time, ms; null: never heard. */
  t: number | null;
  /** Value; null: missing, never 0. */
  v: number | null;
  /** Quality: 0 good, 64–127 uncertain, 128–191 bad (130 no data). */
  q: number;
  /** Flags, see FLAG. */
  f: number;
  k: number;
  m: number;
  /** Level: 0 none, 1 normal, 2 exceeded, 3 warning. */
  l: number;
  /** Window start and end, ms. */
  w: [number, number] | null;
  b: Badge;
  rev: number;
  /** Offset of the last change. */
  o: number;
  hist?: ClosedWindow[];
  /** The last window with enough sources, while the newest one has too few. */
  kept?: Kept | null;
  /** In a replay of differences: what the same window says today, where that is another value. */
  today?: Today;
}

/** What a window of the past says today. */
export interface Today {
  v: number | null;
  f: number;
  k: number;
  m: number;
  l: number;
  rev: number;
}

/** What a complete window said before a newer, incomplete one took its place. */
export interface Kept {
  t: number | null;
  v: number | null;
  k: number;
  m: number;
  l: number;
  w: [number, number];
}

/** Bits of `Row.f`. */
export const FLAG = {
  typed: 1,
  provisional: 2,
  simulated: 4,
  partial: 8,
  revised: 16,
  replayed: 32,
  restated: 64,
} as const;

/** Words of `Row.l`. */
export const LEVEL = { none: 0, normal: 1, exceeded: 2, warning: 3 } as const;

export interface SourceCounts {
  live: number;
  due: number;
}
export interface IngestLink {
  name: string;
  up: boolean;
}

/** `GET /api/v1/views/{view}/snapshot`. */
export interface Snapshot {
  v: number;
  epoch: string;
  offset: number;
  server_ts: number;
  /** Clock seconds per real second. */
  rate: number;
  build: string;
  view: {
    id: string;
    title: Label;
    tiles: string[];
    map: string | null;
    rotation?: RotationPage[];
    /** How long a page of the rotation stays, s. */
    dwell_s?: number;
    /** The area the view is limited to; null: none. */
    area?: string | null;
    /** Of a limited view: cells of the areas outside it, without names and figures. */
    outline?: [number, number][];
  };
  profile: { id: string; name: Label; zone: string; banner: Label };
  domains?: Record<string, Label>;
  indicators: Record<string, Indicator>;
  areas: Area[];
  dict: DictEntry[];
  rows: Row[];
  sources: SourceCounts;
  badges: Record<string, Badge>;
  /** The units with the worst words. */
  units?: UnitBadge[];
  unit_names?: Record<string, Label>;
  links: IngestLink[];
}

export interface Welcome {
  t: "welcome";
  v: number;
  e: string;
  o: number;
  ts: number;
  rate: number;
  hb_ms: number;
  mode: "resumed" | "snapshot";
  build: string;
}
export interface Snap {
  t: "snap";
  e: string;
  o: number;
  part: number;
  parts: number;
  rows: Row[];
}
/** id, dt, v, q, f, k, m, l, window start dt, window end dt, badge, revision. */
export type Change = [
  id: number,
  dt: number | null,
  v: number | null,
  q: number,
  f: number,
  k: number,
  m: number,
  l: number,
  startDt: number | null,
  endDt: number | null,
  badge: Badge,
  rev: number,
];
export interface Delta {
  t: "d";
  o: number;
  p: number;
  b: number;
  u: Change[];
}
export interface EventFrame {
  t: "ev";
  o: number;
  p: number;
  n: number;
  k: string;
  op: string;
  id: string;
  data: unknown;
}
export interface Quality {
  dung: number | null;
  du: number | null;
  sach: number | null;
  song: number | null;
}
export interface Heartbeat {
  t: "hb";
  o: number;
  ts: number;
  rate: number;
  lag_ms: number;
  in_s: number;
  q: Quality;
  badges?: Record<string, Badge>;
  units?: UnitBadge[];
  sources: SourceCounts;
  links: IngestLink[];
}
export interface Pong {
  t: "pong";
  n: number;
  c0: number;
  s1: number;
  s2: number;
}
export interface Reset {
  t: "reset";
  e: string;
  reason: string;
}
export interface Bye {
  t: "bye";
  code: number;
  retry_ms: number;
}
export type ServerFrame = Welcome | Snap | Delta | EventFrame | Heartbeat | Pong | Reset | Bye;

/** The version this page speaks. */
export const PROTOCOL_VERSION = 1;
export const SUBPROTOCOL = "nhip.v1";
