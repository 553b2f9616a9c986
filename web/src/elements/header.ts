// The top line: whose screen this is, the server's clock, and what is wrong with the link.
import { html } from "lit";
import { Cell, Mark, part } from "../cell.ts";
import { Panel } from "./panel.ts";

/** `<nhip-header>` */
export class NhipHeader extends Panel {
  #date: Cell | null = null;
  #time: Cell | null = null;
  #speed: Cell | null = null;
  #lost: Cell | null = null;
  #lostAt: Cell | null = null;
  #state: Mark | null = null;

  protected override render(): unknown {
    const { words, snapshot, home } = this.model;
    const limited = snapshot.view.area && home ? words.name(home.name) : "";
    const ioc = words.t("app.ioc");
    // The title of a view speaks of the whole.
    const under = limited
      ? `${words.name(snapshot.profile.name)} · ${ioc}`
      : `${ioc} · ${words.name(snapshot.view.title)}`;
    const banner = words.name(snapshot.profile.banner);
    return html`
      <header class="top">
        <div class="place">
          <h1>${limited || words.name(snapshot.profile.name)}</h1>
          <p>${under}</p>
        </div>
        <div class="lost" role="alert">
          <strong data-cell="lost"></strong><span data-cell="lost-at"></span>
        </div>
        <div class="clock">
          <span class="speed" data-cell="speed"></span>
          <span class="date" data-cell="date"></span>
          <span class="time" data-cell="time"></span>
        </div>
      </header>
      ${banner ? html`<p class="band">${banner}</p>` : ""}`;
  }

  protected override updated(): void {
    if (!this.#date) {
      const cell = (name: string): Cell => new Cell(part(this, `[data-cell=${name}]`));
      this.#date = cell("date");
      this.#time = cell("time");
      this.#speed = cell("speed");
      this.#lost = cell("lost");
      this.#lostAt = cell("lost-at");
      this.#state = new Mark(part(this, ".top"), "data-lost");
    }
    this.paint(this.model.now());
  }

  /** The clock stands still while the link is lost: a stopped clock is a stopped system. */
  override paint(now: number): void {
    const { words, civil, link, clock } = this.model;
    const local = performance.now();
    const lost = link.lost(local);
    const at = lost ? clock.at(link.lastFrame) : now;
    if (!Number.isFinite(at)) return;
    const { weekday, day, month, year, hour, minute, second } = civil.parts(at);
    const names = `weekday.${weekday}` as "weekday.0";
    this.#date?.set(`${words.t(names)} ${day}/${month}/${year}`);
    this.#time?.set(`${hour}:${minute}:${second}`);
    this.#speed?.set(
      clock.rate === 1 || link.phase === "replay"
        ? ""
        : clock.rate === 0
          ? words.t("clock.stepped")
          : words.t("clock.speed", { rate: clock.rate }),
    );
    this.#state?.set(lost ? "" : null);
    this.#lost?.set(lost ? words.t("link.lost") : "");
    this.#lostAt?.set(lost ? words.t("link.lost_at", { time: `${hour}:${minute}:${second}` }) : "");
  }
}
