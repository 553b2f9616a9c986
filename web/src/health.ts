// What the page tells the server about itself every ten seconds: a frozen wall must be noticed.
import type { ScreenLink } from "./socket.ts";
import type { Store } from "./store.ts";

const REPORT_EVERY_MS = 10_000;

/** Counts painted frames and long frames between two reports. */
export class Health {
  #frames = 0;
  #long_ms = 0;
  #last = 0;
  #since = 0;
  #painted = 0;

  /** After each painted animation frame. */
  painted(now: number, offset: number): void {
    if (this.#last > 0) this.#long_ms = Math.max(this.#long_ms, now - this.#last);
    this.#last = now;
    this.#frames++;
    this.#painted = offset;
  }

  /** Sends a report when one is due. */
  report(now: number, link: ScreenLink, store: Store): void {
    if (now - this.#since < REPORT_EVERY_MS) return;
    const seconds = (now - this.#since) / 1000;
    this.#since = now;
    const memory = (performance as { memory?: { usedJSHeapSize: number } }).memory;
    link.send({
      t: "stat",
      o_painted: Math.min(this.#painted, store.offset),
      fps: Math.round(this.#frames / seconds),
      long_ms: Math.round(this.#long_ms),
      heap: Math.round((memory?.usedJSHeapSize ?? 0) / 1e5) / 10,
      nodes: document.getElementsByTagName("*").length,
      errs: link.errors,
      gaps: link.gaps,
      hidden: document.hidden,
    });
    this.#frames = 0;
    this.#long_ms = 0;
  }
}
