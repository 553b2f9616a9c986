// The server's clock as the browser estimates it, on performance.now alone: a wrong PC clock cannot matter.

/** Samples kept; the one with the least round trip is believed. */
export const SAMPLES_MAX = 8;
/** A slower round trip says nothing about the clock. */
export const RTT_MAX_MS = 2000;
/** A heartbeat this far from the estimate (in real ms) means the clock jumped: start over. */
export const JUMP_MS = 1500;

interface Sample {
  local: number;
  server: number;
  rtt: number;
}

/** Server time runs at `rate` clock seconds per real second; 0 means it moves only with heartbeats. */
export class ServerClock {
  rate = 1;
  #samples: Sample[] = [];
  #anchor: Sample | null = null;

  /** Whether any server time is known. */
  get known(): boolean {
    return this.#anchor !== null;
  }

  /** Half the believed round trip: how far the estimate may be off, in real ms. */
  get uncertainty_ms(): number {
    return this.#anchor ? this.#anchor.rtt / 2 : Infinity;
  }

  /** Extra ms before late or stale: at speed X a transport delay of a second looks like X seconds. */
  get grace_ms(): number {
    return this.rate === 1 ? 0 : this.rate * 1000;
  }

  /** The server's time in ms at the local instant `local` (performance.now). */
  at(local: number): number {
    const anchor = this.#anchor;
    return anchor === null ? NaN : anchor.server + (local - anchor.local) * this.rate;
  }

  /** The moment of a replay: time stands still there until the next one is shown. */
  place(server: number, local: number): void {
    this.rate = 0;
    this.#samples.length = 0;
    this.#anchor = { local, server, rtt: 0 };
  }

  /** A server time without round trip (welcome, hb, snapshot): a coarse anchor, and proof of a jump. */
  tell(server: number, rate: number, local: number): void {
    const coarse = { local, server, rtt: RTT_MAX_MS };
    if (rate !== this.rate || rate === 0 || this.#anchor === null) {
      this.rate = rate;
      this.#samples.length = 0;
      this.#anchor = coarse;
      return;
    }
    if (Math.abs(this.at(local) - server) > JUMP_MS * rate) {
      this.#samples.length = 0;
      this.#anchor = coarse;
    }
  }

  /** The four timestamps of a ping: sent c0, arrived s1, answered s2, back c3. c* are performance.now. */
  sample(c0: number, s1: number, s2: number, c3: number): void {
    if (this.rate === 0) return;
    const rtt = c3 - c0 - (s2 - s1) / this.rate;
    if (!(rtt >= -1) || rtt > RTT_MAX_MS) return;
    if (this.#samples.length === SAMPLES_MAX) this.#samples.shift();
    this.#samples.push({ local: (c0 + c3) / 2, server: (s1 + s2) / 2, rtt: Math.max(rtt, 0) });
    let best = this.#samples[0]!;
    for (const sample of this.#samples) if (sample.rtt <= best.rtt) best = sample;
    this.#anchor = best;
  }
}
