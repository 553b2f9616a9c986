// The whole screen: header, cartogram, tiles, footer and the explain panel; built once, then only painted.
import { html } from "lit";
import type { Row } from "../protocol.ts";
import type { NhipExplain } from "./explain.ts";
import { Panel } from "./panel.ts";
import type { NhipTile } from "./tile.ts";

/** The most figures a wall page may carry (an operator reads no more at a glance). */
export const TILES_MAX = 12;

/** `<nhip-wall>` */
export class NhipWall extends Panel {
  base = "";
  #panels: Panel[] = [];
  #tiles = new Map<number, NhipTile>();
  #cartogram: Panel | null = null;
  #map = -1;
  #mapIds = new Set<number>();
  #rotation: Panel | null = null;

  protected override render(): unknown {
    const { snapshot, words, home } = this.model;
    const tiles = snapshot.view.tiles.slice(0, TILES_MAX);
    const area = home?.code ?? "";
    const pages = snapshot.view.rotation ?? [];
    return html`
      ${this.model.replay ? html`<nhip-replay .model=${this.model}></nhip-replay>` : ""}
      <nhip-header .model=${this.model}></nhip-header>
      <main class="stage" data-columns=${tiles.length > 8 ? "3" : "2"}>
        <nhip-cartogram .model=${this.model}></nhip-cartogram>
        <div class="tiles">
          ${tiles.length === 0 ? html`<p class="notice">${words.t("app.empty")}</p>` : ""}
          ${tiles.map(
            (id) => html`
            <nhip-tile .model=${this.model} .indicator=${id} .area=${area}></nhip-tile>`,
          )}
        </div>
        ${pages.length > 0 ? html`<nhip-rotation .model=${this.model}></nhip-rotation>` : ""}
      </main>
      <nhip-footer .model=${this.model}></nhip-footer>
      <nhip-explain .model=${this.model} .base=${this.base}></nhip-explain>`;
  }

  protected override firstUpdated(): void {
    const { snapshot } = this.model;
    this.#panels = [
      ...this.querySelectorAll<Panel>(
        "nhip-replay, nhip-header, nhip-cartogram, nhip-tile, nhip-rotation, nhip-footer",
      ),
    ];
    this.#rotation = this.querySelector<Panel>("nhip-rotation");
    this.#cartogram = this.querySelector<Panel>("nhip-cartogram");
    for (const tile of this.querySelectorAll<NhipTile>("nhip-tile")) {
      const id = this.model.number(tile.indicator, tile.area);
      if (id !== undefined) this.#tiles.set(id, tile);
    }
    for (const entry of snapshot.dict) if (entry.indicator === snapshot.view.map) this.#mapIds.add(entry.id);
    this.toggleAttribute("data-replay", this.model.replay !== null);
    this.addEventListener("click", (event) => this.#ask(event.target));
    this.addEventListener("keydown", (event) => this.#key(event));
  }

  /** One changed row: its tile at once, the cartogram once per flush. */
  paintRow(row: Row, now: number): void {
    this.#tiles.get(row.id)?.paint(now);
    if (this.#mapIds.has(row.id)) this.#map = row.id;
  }

  /** After the rows of a flush. */
  paintFlushed(now: number): void {
    this.#rotation?.paint(now);
    if (this.#map < 0) return;
    this.#map = -1;
    this.#cartogram?.paint(now);
  }

  /** Twice a second, message or none: ages, late and stale come from here. */
  override paint(now: number): void {
    this.model.lookAtOrigin();
    for (const panel of this.#panels) panel.paint(now);
  }

  override relabel(): void {
    this.requestUpdate();
    for (const panel of this.querySelectorAll<Panel>(
      "nhip-replay, nhip-header, nhip-cartogram, nhip-tile, nhip-rotation, nhip-footer, nhip-explain",
    )) {
      panel.relabel();
    }
  }

  /** Only of now: what is explained is the newest figure, never one of a replay. */
  #ask(target: EventTarget | null): void {
    if (this.model.replay) return;
    const figure =
      target instanceof Element
        ? target.closest<HTMLElement | SVGElement>(".card, .commune[data-area]")
        : null;
    if (!figure) return;
    const indicator = figure.dataset.indicator ?? this.model.snapshot.view.map;
    const area = figure.dataset.area;
    if (indicator && area) this.querySelector<NhipExplain>("nhip-explain")?.open(indicator, area);
  }

  /** Buttons answer Enter by themselves; a commune is an SVG group and must be told. */
  #key(event: KeyboardEvent): void {
    if (event.key !== "Enter" && event.key !== " ") return;
    if (!(event.target instanceof SVGElement)) return;
    event.preventDefault();
    this.#ask(event.target);
  }
}
