// The past instead of the present: snapshots of successive moments, at the pace and in the mode the address asks for.
import type { ServerClock } from "./clock.ts";
import type { Snapshot } from "./protocol.ts";
import type { LinkListener, Phase, ScreenLink } from "./socket.ts";
import type { Store } from "./store.ts";

/** Between two moments of a replay, real time. */
export const STEP_MS = 1000;
/** The fastest replay, clock seconds per real second. */
export const SPEED_MAX = 3600;
const SPEEDS = [1, 10, 60, 600, SPEED_MAX];
/** How long one moment may take before it is asked for again. */
const MOMENT_MAX_MS = 15_000;
/** The node is asked to say after so many seconds how far it is. */
const WAIT_S = 2;
/** A moment that takes longer than this is said to be worked out. */
const SLOW_MS = 1000;
const RETRY_MS = 200;

export const MODES = ["known", "corrected", "difference"] as const;
export type Mode = (typeof MODES)[number];

/** What a replay is doing: playing, standing still, working a moment out, arrived at now, or refused. */
export type ReplayState =
  "playing" | "paused" | "working" | "present" | "too-early" | "no-longer-kept" | "wrong";

/** What the address asks for; null: the present. */
export interface Asked {
  at: number;
  speed: number;
  mode: Mode;
}

/** `?at=2026-11-20T19:00:00+07:00&speed=10&mode=difference`; a moment that cannot be read is NaN. */
export function asked(search: string): Asked | null {
  const parameters = new URLSearchParams(search);
  const at = parameters.get("at");
  if (at === null) return null;
  const speed = Number(parameters.get("speed") ?? "1");
  const mode = MODES.find((known) => known === parameters.get("mode")) ?? "known";
  // A plus sign in an address stands for a space.
  return { at: Date.parse(at.replace(" ", "+")), speed: within(speed), mode };
}

/** The next speed up or down. */
export function faster(speed: number, up: boolean): number {
  const next = up ? SPEEDS.find((one) => one > speed) : SPEEDS.findLast((one) => one < speed);
  return next ?? speed;
}

function within(speed: number): number {
  return Number.isFinite(speed) && speed > 0 ? Math.min(speed, SPEED_MAX) : 1;
}

/** Stands where the live link stands, and opens no socket: a replay can never turn live by itself. */
export class ReplayLink implements ScreenLink {
  readonly phase: Phase = "replay";
  lastFrame = -Infinity;
  rtt_ms = NaN;
  gaps = 0;
  reconnects = 0;
  errors = 0;
  /** The moment shown, ms; the one asked for until there is one. */
  at: number;
  speed: number;
  mode: Mode;
  state: ReplayState = "working";
  /** How far the node got with the moment being worked out, ms; null: it has not said. */
  reached: number | null = null;
  #playing = true;
  /** The mode asked for; the one shown follows with its values. */
  #asked: Mode;
  #base: string;
  #view: string;
  #area: string | null;
  #store: Store;
  #clock: ServerClock;
  #listener: LinkListener;
  /** Counts what was asked for, so that a late answer to an earlier question is dropped. */
  #turn = 0;
  #timer = 0;

  constructor(
    place: { base: string; view: string; area: string | null },
    start: Asked,
    store: Store,
    clock: ServerClock,
    listener: LinkListener,
  ) {
    this.#base = place.base;
    this.#view = place.view;
    this.#area = place.area;
    this.at = start.at;
    this.speed = start.speed;
    this.mode = this.#asked = start.mode;
    this.#store = store;
    this.#clock = clock;
    this.#listener = listener;
  }

  start(): void {
    this.#show(this.at);
  }

  stop(): void {
    this.#turn++;
    window.clearTimeout(this.#timer);
  }

  /** A replay has no server to lose: what it shows is of the past and says so. */
  lost(): boolean {
    return false;
  }

  /** Asks for the same moment again (`R`). */
  reconnect(): void {
    this.#show(this.at);
  }

  send(): void {}

  peek(): Promise<Snapshot | null> {
    return Promise.resolve(null);
  }

  get playing(): boolean {
    return this.#playing;
  }

  toggle(): void {
    this.#playing = !this.#playing;
    if (this.#playing) this.#show(this.at + this.#stride);
    else this.#pause();
  }

  /** One stride forward or back; a replay that played stands still then. */
  step(forward: boolean): void {
    this.#playing = false;
    this.#show(this.at + (forward ? this.#stride : -this.#stride));
  }

  setSpeed(up: boolean): void {
    this.speed = faster(this.speed, up);
    this.#listener.lost();
  }

  nextMode(): void {
    this.#asked = MODES[(MODES.indexOf(this.#asked) + 1) % MODES.length]!;
    this.#show(this.at);
  }

  get #stride(): number {
    return this.speed * STEP_MS;
  }

  #pause(): void {
    this.stop();
    this.state = "paused";
    this.#listener.lost();
  }

  /** Shows a moment as soon as it is there, and the next one a step later. */
  #show(at: number): void {
    this.stop();
    void this.#moment(at, this.#turn);
  }

  async #moment(at: number, turn: number): Promise<void> {
    const began = performance.now();
    const mode = this.#asked;
    this.#timer = window.setTimeout(() => this.#slow(), SLOW_MS);
    const answer = Number.isFinite(at) ? await this.#ask(at, mode) : "wrong";
    if (turn !== this.#turn) return;
    window.clearTimeout(this.#timer);
    if (typeof answer === "string") {
      this.state = answer;
      if (answer === "working") this.#timer = window.setTimeout(() => void this.#moment(at, turn), RETRY_MS);
      else this.#playing = false;
      this.#listener.failed(0);
      this.#listener.lost();
      return;
    }
    this.reached = null;
    this.at = answer.server_ts;
    this.mode = mode;
    this.lastFrame = performance.now();
    this.state = this.#playing ? "playing" : "paused";
    this.#clock.place(answer.server_ts, this.lastFrame);
    this.#store.load(answer);
    this.#listener.snapshot(answer);
    if (!this.#playing) return;
    const wait = Math.max(0, STEP_MS - (this.lastFrame - began));
    this.#timer = window.setTimeout(() => void this.#moment(this.at + this.#stride, turn), wait);
  }

  /** The band says that a moment takes its time, while the one before still stands. */
  #slow(): void {
    this.state = "working";
    this.#listener.lost();
  }

  /** The snapshot of a moment, or why there is none. */
  async #ask(at: number, mode: Mode): Promise<Snapshot | ReplayState> {
    const query = new URLSearchParams({ as_of: new Date(at).toISOString(), mode });
    if (this.#area !== null) query.set("area", this.#area);
    const url = `${this.#base}/api/v1/views/${encodeURIComponent(this.#view)}/snapshot?${query}`;
    try {
      const response = await fetch(url, {
        cache: "no-store",
        headers: { prefer: `wait=${WAIT_S}` },
        signal: AbortSignal.timeout(MOMENT_MAX_MS),
      });
      if (response.ok) return (await response.json()) as Snapshot;
      this.errors++;
      const { type, reached } = (await response.json()) as { type: string; reached?: string };
      if (response.status >= 500) {
        this.reached = reached === undefined ? this.reached : Date.parse(reached);
        return "working";
      }
      if (type.endsWith(":too-late")) return "present";
      if (type.endsWith(":too-early")) return "too-early";
      return type.endsWith(":no-longer-kept") ? "no-longer-kept" : "wrong";
    } catch {
      this.errors++;
      return "working";
    }
  }
}
