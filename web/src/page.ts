// One page's life: snapshot → elements, frames → dirty rows → one paint per animation frame, a steady tick.
import { ServerClock } from "./clock.ts";
import type { NhipWall } from "./elements/wall.ts";
import { CivilTime } from "./format.ts";
import { Health } from "./health.ts";
import { Words, langOf } from "./i18n.ts";
import { Model, structure } from "./model.ts";
import type { Heartbeat, Row, Snapshot, Welcome } from "./protocol.ts";
import { ReplayLink, asked } from "./replay.ts";
import { LiveLink, type LinkListener, type ScreenLink } from "./socket.ts";
import { Store } from "./store.ts";

/** Twice a second, so that no limit is seen more than half a second late. */
const TICK_MS = 500;
/** Screens of a wall ask for this pace. */
const WALL_RATE_MS = 50;
/** Histories and the words of the domains are read again this often, sooner where windows closed. */
const REFRESH_MS = 60_000;
const REFRESH_AFTER_CLOSE_MS = 5000;

/** The page of `/wall/{view}`, perhaps limited to one area (`?area=`). */
export class Page implements LinkListener {
  readonly words = new Words(langOf(location.search));
  readonly store = new Store();
  readonly clock = new ServerClock();
  readonly health = new Health();
  readonly link: ScreenLink;
  /** The link again, where the address asks for the past. */
  readonly replay: ReplayLink | null;
  #root: HTMLElement;
  #wall: NhipWall | null = null;
  #model: Model | null = null;
  #structure = "";
  #frame = 0;
  #refreshAt = Infinity;
  #build = "";

  constructor(root: HTMLElement, view: string, area: string | null) {
    this.#root = root;
    const client = `wall-${crypto.getRandomValues(new Uint32Array(1))[0]!.toString(36)}`;
    const settings = { view, area, rate_ms: WALL_RATE_MS, client, build: BUILD, base: location.origin };
    const past = asked(location.search);
    this.replay = past ? new ReplayLink(settings, past, this.store, this.clock, this) : null;
    this.link = this.replay ?? new LiveLink(settings, this.store, this.clock, this);
  }

  start(): void {
    document.documentElement.lang = this.words.lang;
    this.#notice(this.words.t("app.loading"));
    window.setInterval(() => this.#tick(), TICK_MS);
    this.link.start();
  }

  snapshot(snapshot: Snapshot): void {
    const text = structure(snapshot);
    this.#build = snapshot.build;
    this.#refreshAt = performance.now() + REFRESH_MS;
    if (this.#model && this.#wall && text === this.#structure) this.#model.snapshot = snapshot;
    else this.#show(snapshot);
    this.#structure = text;
    this.#tick();
  }

  welcome(frame: Welcome): void {
    if (this.#build !== "" && frame.build !== this.#build) location.reload();
  }

  heartbeat(frame: Heartbeat): void {
    if (!this.#model) return;
    this.#model.heartbeat = frame;
    if (frame.badges) Object.assign(this.#model.snapshot.badges, frame.badges);
    this.#model.snapshot.badges[""] = [frame.q.dung, frame.q.du, frame.q.sach, frame.q.song];
  }

  values(): void {
    if (this.#frame === 0) this.#frame = requestAnimationFrame((now) => this.#paint(now));
  }

  lost(): void {
    this.#tick();
  }

  failed(status: number): void {
    if (this.#wall) return;
    if (this.replay) return this.#notice(this.words.t(`replay.${this.replay.state}`));
    this.#notice(status === 0 ? this.words.t("app.no_answer") : this.words.t("app.load_failed", { status }));
  }

  switchLanguage(): void {
    this.words.lang = this.words.other;
    document.documentElement.lang = this.words.lang;
    const url = new URL(location.href);
    url.searchParams.set("lang", this.words.lang);
    history.replaceState(null, "", url);
    this.#wall?.relabel();
    this.#title();
  }

  #show(snapshot: Snapshot): void {
    const civil = new CivilTime(snapshot.profile.zone);
    this.#model = new Model(snapshot, this.store, this.clock, this.link, this.words, civil, this.replay);
    const wall = document.createElement("nhip-wall") as NhipWall;
    wall.model = this.#model;
    wall.base = location.origin;
    this.#root.replaceChildren(wall);
    this.#wall = wall;
    this.#title();
  }

  #title(): void {
    if (!this.#model) return;
    const { profile, view } = this.#model.snapshot;
    const { home } = this.#model;
    const limited = view.area ? home : null;
    const past = this.replay ? `${this.words.t("replay.title")} · ` : "";
    document.title = `${past}${this.words.name(profile.name)} · ${this.words.name(limited?.name ?? view.title)}`;
  }

  #notice(text: string): void {
    const notice = document.createElement("p");
    notice.className = "notice";
    notice.setAttribute("role", "status");
    notice.textContent = text;
    this.#root.replaceChildren(notice);
  }

  #paint(frameTime: number): void {
    this.#frame = 0;
    const wall = this.#wall;
    if (!wall || !this.#model) return;
    const now = this.#model.now();
    this.store.flush((row: Row) => wall.paintRow(row, now));
    wall.paintFlushed(now);
    this.#root.dataset.painted = String(this.store.offset);
    this.health.painted(frameTime, this.store.offset);
  }

  #tick(): void {
    const local = performance.now();
    if (this.#wall && this.#model && this.clock.known) this.#wall.paint(this.#model.now());
    this.health.report(local, this.link, this.store);
    if (this.store.closed > 0) this.#refreshAt = Math.min(this.#refreshAt, local + REFRESH_AFTER_CLOSE_MS);
    if (local >= this.#refreshAt && this.link.phase === "live") {
      this.#refreshAt = local + REFRESH_MS * (0.75 + Math.random() / 2);
      void this.#refresh();
    }
  }

  async #refresh(): Promise<void> {
    const fresh = await this.link.peek();
    if (!fresh || !this.#model || fresh.epoch !== this.store.epoch) return;
    this.store.refreshHistory(fresh);
    this.#model.snapshot.badges = fresh.badges;
    this.values();
  }
}

/** The build of this page, set by build.mjs. */
declare const BUILD: string;
