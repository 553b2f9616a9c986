// The band of a replay: what is shown, of which moment, at which speed, and the way back to the present.
import { html } from "lit";
import { Cell, Mark, part } from "../cell.ts";
import { number } from "../format.ts";
import { liveAddress, momentAddress, perform, type Act } from "../replay_keys.ts";
import { Panel } from "./panel.ts";

/** Drawn, because not every font of a wall has these signs. */
const DRAWN: Partial<Record<Act, string>> = {
  back: "M4 2h3v12H4zM20 2v12L9 8z",
  toggle: "M2 2v12l9-6zM14 2h3v12h-3zM19 2h3v12h-3z",
  forward: "M4 2v12l11-6zM17 2h3v12h-3z",
};
const ACTS: readonly Act[] = ["slower", "faster", "back", "toggle", "forward"];

function sign(act: Act): unknown {
  if (act === "slower") return "−";
  if (act === "faster") return "+";
  return html`<svg viewBox="0 0 24 16" aria-hidden="true" focusable="false"><path d=${DRAWN[act] ?? ""}></path></svg>`;
}

/** `<nhip-replay>` */
export class NhipReplay extends Panel {
  #cells: Record<"what" | "moment" | "speed" | "state" | "mode", Cell> | null = null;
  #band: Mark | null = null;
  #kept = "";

  protected override render(): unknown {
    const { words } = this.model;
    const button = (act: Act, text: unknown): unknown => {
      const name = words.t(`replay.${act}` as "replay.toggle");
      return html`<button type="button" data-replay-act=${act} title=${name} aria-label=${name}
        @click=${() => this.#act(act)}>${text}</button>`;
    };
    return html`
      <div class="replay" role="status">
        <strong>${words.t("replay.title")}</strong>
        <span class="replay-what"><span data-cell="what"></span> <span class="replay-moment"
          data-cell="moment"></span></span>
        <span class="replay-speed" data-cell="speed"></span>
        <span class="replay-state" data-cell="state"></span>
        <span class="replay-acts" role="group">
          ${ACTS.map((act) => button(act, sign(act)))}
          ${button("mode", html`<span data-cell="mode"></span>`)}
          <a class="replay-live" href=${liveAddress(location.href)}>${words.t("replay.live")}</a>
        </span>
      </div>`;
  }

  protected override updated(): void {
    if (!this.#cells) {
      const cell = (name: string): Cell => new Cell(part(this, `[data-cell=${name}]`));
      this.#cells = {
        what: cell("what"),
        moment: cell("moment"),
        speed: cell("speed"),
        state: cell("state"),
        mode: cell("mode"),
      };
      this.#band = new Mark(part(this, ".replay"), "data-state");
    }
    this.paint();
  }

  override paint(): void {
    const { words, civil, replay } = this.model;
    const cells = this.#cells;
    if (!cells || !replay) return;
    cells.what.set(words.t(`replay.${replay.mode}`));
    cells.moment.set(civil.full(replay.at));
    cells.speed.set(words.t("replay.speed", { speed: number(replay.speed, 0, words.lang) }));
    const working = replay.state === "working" && replay.reached !== null;
    cells.state.set(
      working
        ? words.t("replay.reached", { moment: civil.full(replay.reached!) })
        : words.t(`replay.${replay.state}`),
    );
    cells.mode.set(words.t(`replay.mode.${replay.mode}`));
    this.#band?.set(replay.state);
    this.#keep();
  }

  #act(act: Act): void {
    if (this.model.replay) perform(this.model.replay, act);
  }

  /** The address names the moment shown, so that it can be sent on; while playing it stays as it was. */
  #keep(): void {
    const { replay } = this.model;
    if (!replay || replay.state !== "paused") return;
    const href = momentAddress(location.href, replay);
    if (href === this.#kept) return;
    this.#kept = href;
    history.replaceState(null, "", href);
  }
}
