// The live link: snapshot by HTTP, frames by WebSocket, resume, gap check, jittered reconnect.
import type { ServerClock } from "./clock.ts";
import {
  PROTOCOL_VERSION,
  SUBPROTOCOL,
  type Heartbeat,
  type ServerFrame,
  type Snapshot,
  type Welcome,
} from "./protocol.ts";
import type { Store } from "./store.ts";

/** Without any frame for this long the link is dead, whatever the socket says. */
export const DEAD_MS = 3000;
/** How long a socket may take to open. */
export const CONNECT_MAX_MS = 2000;
/** How long a snapshot may take. */
export const SNAPSHOT_MAX_MS = 8000;
/** The longest pause between two attempts: a wall must be live within 3 s of its server, snapshot included. */
export const DELAY_MAX_MS = 1000;
const DELAY_FIRST_MS = 200;
const WATCH_EVERY_MS = 250;
const PINGS_AT_START = 5;
const PING_EVERY_MS = 15_000;
const FLOW_EVERY_MS = 2000;

/** `min(1 s, 200·2ⁿ)·U(0.5, 1)`; `random` is in 0…1. */
export function delay_ms(attempt: number, random: number): number {
  return Math.min(DELAY_MAX_MS, DELAY_FIRST_MS * 2 ** Math.min(attempt, 10)) * (0.5 + random / 2);
}

export type Phase = "loading" | "connecting" | "live" | "failed" | "replay";

/** What a page asks of the link it stands on, live or of the past. */
export type ScreenLink = Pick<
  LiveLink,
  | "phase"
  | "lastFrame"
  | "rtt_ms"
  | "gaps"
  | "reconnects"
  | "errors"
  | "start"
  | "lost"
  | "reconnect"
  | "send"
  | "peek"
>;

/** What the page is told. */
export interface LinkListener {
  snapshot(snapshot: Snapshot): void;
  welcome(frame: Welcome): void;
  heartbeat(frame: Heartbeat): void;
  /** Values changed: paint at the next frame. */
  values(): void;
  /** The link was found dead, or is alive again. */
  lost(): void;
  /** Loading failed; a status of 0 means no answer. */
  failed(status: number): void;
}

export interface LinkSettings {
  view: string;
  /** The area the view is limited to; null: none. */
  area: string | null;
  rate_ms: number;
  client: string;
  build: string;
  base: string;
}

/** One page's link. At most one socket and one timer of each kind exist at any time. */
export class LiveLink {
  phase: Phase = "loading";
  /** performance.now of the last sign of life; -Infinity before the first. */
  lastFrame = -Infinity;
  rtt_ms = NaN;
  gaps = 0;
  reconnects = 0;
  errors = 0;
  #settings: LinkSettings;
  #store: Store;
  #clock: ServerClock;
  #listener: LinkListener;
  #socket: WebSocket | null = null;
  #attempt = 0;
  #retry = 0;
  #connectBy = Infinity;
  #needSnapshot = true;
  #loading = false;
  #pingsLeft = 0;
  #nextPing = Infinity;
  #nextFlow = Infinity;
  #ping = 0;
  #pingSent = 0;
  #watch = 0;
  /** Whether the position is known: resumed, or the snapshot over the socket has begun. */
  #settled = false;
  #wasLost = false;

  constructor(settings: LinkSettings, store: Store, clock: ServerClock, listener: LinkListener) {
    this.#settings = settings;
    this.#store = store;
    this.#clock = clock;
    this.#listener = listener;
  }

  start(): void {
    this.#watch = window.setInterval(() => this.#supervise(performance.now()), WATCH_EVERY_MS);
    void this.#begin();
  }

  stop(): void {
    window.clearInterval(this.#watch);
    window.clearTimeout(this.#retry);
    this.#drop();
  }

  /** Whether the page must say that it has lost its server. */
  lost(now: number): boolean {
    return this.lastFrame > -Infinity && now - this.lastFrame > DEAD_MS;
  }

  /** Starts over at once, by hand (`R`). */
  reconnect(): void {
    this.#attempt = 0;
    this.#needSnapshot = true;
    this.#again(0);
  }

  send(frame: object): void {
    if (this.#socket?.readyState === WebSocket.OPEN && this.#socket.bufferedAmount < 65_536) {
      this.#socket.send(JSON.stringify(frame));
    }
  }

  /** A newer snapshot for the histories only; null if there is none to be had now. */
  async peek(): Promise<Snapshot | null> {
    try {
      const response = await this.#get();
      return response.ok ? ((await response.json()) as Snapshot) : null;
    } catch {
      return null;
    }
  }

  async #begin(): Promise<void> {
    if (this.#loading) return;
    if (this.#needSnapshot ? !(await this.#load()) : !(await this.#answers())) return;
    this.#open();
  }

  /** After a failed attempt the server is asked by HTTP first: browsers delay sockets after many failed ones. */
  async #answers(): Promise<boolean> {
    if (this.#attempt <= 1) return true;
    this.#loading = true;
    try {
      const signal = AbortSignal.timeout(CONNECT_MAX_MS);
      const response = await fetch(`${this.#settings.base}/readyz`, { cache: "no-store", signal });
      if (response.status < 500) return true;
    } catch {
      // no answer: the same as a server that is not ready
    } finally {
      this.#loading = false;
    }
    this.#again();
    return false;
  }

  async #load(): Promise<boolean> {
    this.#loading = true;
    if (this.phase !== "failed") this.phase = "loading";
    let status = 0;
    try {
      const response = await this.#get();
      status = response.status;
      if (!response.ok) throw new Error(`status ${status}`);
      const snapshot = (await response.json()) as Snapshot;
      this.lastFrame = performance.now();
      this.#clock.tell(snapshot.server_ts, snapshot.rate, this.lastFrame);
      this.#store.load(snapshot);
      this.#needSnapshot = false;
      this.#listener.snapshot(snapshot);
      return true;
    } catch {
      this.errors++;
      this.phase = "failed";
      this.#listener.failed(status);
      this.#again();
      return false;
    } finally {
      this.#loading = false;
    }
  }

  #get(): Promise<Response> {
    const { base, view, area } = this.#settings;
    const limit = area === null ? "" : `?${new URLSearchParams({ area })}`;
    const url = `${base}/api/v1/views/${encodeURIComponent(view)}/snapshot${limit}`;
    return fetch(url, { cache: "no-store", signal: AbortSignal.timeout(SNAPSHOT_MAX_MS) });
  }

  #open(): void {
    this.#drop();
    this.phase = "connecting";
    const socket = new WebSocket(`${this.#settings.base.replace(/^http/, "ws")}/ws/v1`, SUBPROTOCOL);
    this.#socket = socket;
    this.#connectBy = performance.now() + CONNECT_MAX_MS;
    socket.onopen = () => this.#hello();
    socket.onmessage = (event) => {
      if (socket === this.#socket) this.#receive(event.data as string);
    };
    socket.onclose = () => {
      if (socket === this.#socket) this.#again();
    };
  }

  #hello(): void {
    const { client, build, view, area, rate_ms } = this.#settings;
    const { epoch, offset, event } = this.#store;
    const resume = event > 0 ? { e: epoch, o: offset, n: event } : { e: epoch, o: offset };
    this.send({
      t: "hello",
      v: PROTOCOL_VERSION,
      client: { id: client, kind: "wall", build },
      view,
      ...(area === null ? {} : { area }),
      resume,
      rate_ms,
    });
  }

  #drop(): void {
    const socket = this.#socket;
    this.#socket = null;
    this.#connectBy = this.#nextPing = this.#nextFlow = Infinity;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  /** Drops the socket and begins again after `wait` (default: the back-off). */
  #again(wait = delay_ms(this.#attempt++, Math.random())): void {
    this.#drop();
    if (this.phase === "live") {
      this.phase = "connecting";
      this.reconnects++;
    }
    window.clearTimeout(this.#retry);
    this.#retry = window.setTimeout(() => void this.#begin(), wait);
  }

  /** The position is lost: drop the table, fetch a snapshot. */
  #reset(): void {
    this.#needSnapshot = true;
    this.#again(delay_ms(0, Math.random()));
  }

  #receive(text: string): void {
    const now = performance.now();
    this.lastFrame = now;
    let frame: ServerFrame;
    try {
      frame = JSON.parse(text) as ServerFrame;
    } catch {
      this.errors++;
      this.#reset();
      return;
    }
    switch (frame.t) {
      case "d":
        this.#judge(this.#store.apply(frame));
        break;
      case "hb":
        this.#beat(frame, now);
        break;
      case "ev":
        this.#judge(this.#store.advance(frame.p, frame.o));
        this.#store.event = Math.max(this.#store.event, frame.n);
        break;
      case "snap":
        this.#settled = true;
        this.#judge(this.#store.part(frame.e, frame.o, frame.part, frame.parts, frame.rows));
        break;
      case "welcome":
        this.#welcome(frame, now);
        break;
      case "pong":
        this.#pong(frame.n, frame.s1, frame.s2, now);
        break;
      case "reset":
        this.#reset();
        break;
      case "bye":
        this.#again(Math.max(frame.retry_ms, 0) * (0.5 + Math.random() / 2));
        break;
      default:
        this.errors++;
    }
  }

  #judge(applied: "ok" | "gap" | "unknown"): void {
    if (applied === "ok") {
      this.#listener.values();
      return;
    }
    this.gaps++;
    this.#reset();
  }

  #beat(frame: Heartbeat, now: number): void {
    this.#clock.tell(frame.ts, frame.rate, now);
    if (this.#settled && !this.#store.staging && frame.o !== this.#store.offset) this.#judge("gap");
    this.#listener.heartbeat(frame);
  }

  #welcome(frame: Welcome, now: number): void {
    this.#connectBy = Infinity;
    if (frame.v !== PROTOCOL_VERSION || frame.e !== this.#store.epoch) {
      this.#reset();
      return;
    }
    this.#attempt = 0;
    this.phase = "live";
    this.#settled = frame.mode === "resumed";
    this.#clock.tell(frame.ts, frame.rate, now);
    this.#pingsLeft = PINGS_AT_START;
    this.#nextPing = now;
    this.#nextFlow = now + FLOW_EVERY_MS;
    this.#listener.welcome(frame);
    this.#supervise(now);
  }

  #pong(n: number, s1: number, s2: number, now: number): void {
    if (n !== this.#ping) return;
    this.rtt_ms = now - this.#pingSent;
    this.#clock.sample(this.#pingSent, s1, s2, now);
    if (this.#pingsLeft > 0) this.#nextPing = now;
  }

  #supervise(now: number): void {
    const lost = this.lost(now);
    if (lost !== this.#wasLost) {
      this.#wasLost = lost;
      this.#listener.lost();
    }
    if (now > this.#connectBy) {
      this.#again();
      return;
    }
    if (this.phase === "live" && lost) {
      this.#again(0);
      return;
    }
    if (now >= this.#nextPing) {
      this.#nextPing = now + PING_EVERY_MS;
      this.#pingsLeft = Math.max(0, this.#pingsLeft - 1);
      this.#pingSent = now;
      this.send({ t: "ping", n: ++this.#ping, c0: Math.round(now) });
    }
    if (now >= this.#nextFlow) {
      this.#nextFlow = now + FLOW_EVERY_MS;
      const lag_ms = this.rtt_ms > 0 ? Math.round(this.rtt_ms) : 0;
      this.send({ t: "flow", o: this.#store.offset, lag_ms, drop: this.gaps });
    }
  }
}
