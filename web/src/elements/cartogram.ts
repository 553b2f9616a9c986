// The communes as equal cells: grey unless abnormal, hatched or dashed where nothing is known. Not a map.
import { html, svg } from "lit";
import { Cell, Mark, part } from "../cell.ts";
import { lastComplete, state, type State } from "../grammar.ts";
import { ageText, reasonText, todayText, valueText } from "../phrases.ts";
import type { Area, Indicator, Row } from "../protocol.ts";
import { diamondIcon, triangleIcon } from "./icons.ts";
import { Panel } from "./panel.ts";
import { stamp } from "./tile.ts";

const STEP = 100;
const GAP = 5;
const SIDE = STEP - GAP;

type Look = "normal" | "warning" | "exceeded" | "stale" | "bad" | "never";
const LOOKS: readonly Look[] = ["normal", "warning", "exceeded", "stale", "bad", "never"];

/** One commune on the page. */
interface Commune {
  area: Area;
  cell: [number, number];
  group: SVGGElement;
  look: Mark;
  late: Mark;
  differs: Mark;
  label: Mark;
}

/** `<nhip-cartogram>` */
export class NhipCartogram extends Panel {
  #communes: Commune[] = [];
  #byCode = new Map<string, Commune>();
  #counts = new Map<Look, Cell>();
  #readName: Cell | null = null;
  #readValue: Cell | null = null;
  #readNote: Cell | null = null;
  #chosen: Commune | null = null;

  protected override render(): unknown {
    const { words, snapshot } = this.model;
    const cells = placed(snapshot.areas);
    const map = snapshot.view.map;
    const indicator = map === null ? undefined : this.model.indicator(map);
    if (!indicator || cells.length === 0)
      return html`<section class="map panel"><p>${words.t("map.none")}</p></section>`;
    const units = cells.length > 1 ? `${words.t("map.units", { n: cells.length })} · ` : "";
    const outline = snapshot.view.outline ?? [];
    const box = bounds([...cells.map((area) => area.cell!), ...outline]);
    return html`
      <section class="map panel" aria-label=${words.name(indicator.name)}>
        <header class="map-head">
          <h2>${words.name(indicator.name)}</h2>
          <p class="map-caption">${units}${words.t("map.caption")}</p>
        </header>
        <svg class="cells" viewBox=${box} role="group" aria-label=${words.t("map.aria", { n: cells.length })}
          @keydown=${(event: KeyboardEvent) => this.#walk(event)}
          @focusin=${(event: FocusEvent) => this.#choose(event.target)}
          @pointerover=${(event: PointerEvent) => this.#choose(event.target)}>
          <defs>
            <pattern id="hatch" width="14" height="14" patternUnits="userSpaceOnUse"
              patternTransform="rotate(45)">
              <rect width="14" height="14" class="hatch-ground"></rect>
              <rect width="4" height="14" class="hatch-line"></rect>
            </pattern>
          </defs>
          ${outline.map(outside)}
          ${cells.map((area, at) => this.#cell(area, at === 0))}
        </svg>
        <p class="readout"><span class="readout-name" data-cell="read-name"></span>
          <span class="readout-value" data-cell="read-value"></span>
          <span class="readout-note" data-cell="read-note"></span></p>
        <ul class="legend">${LOOKS.map(
          (look) => html`
          <li data-look=${look}>${swatch(look)}<span>${words.t(`legend.${look}`)}</span>
            <span class="count" data-cell=${`count-${look}`}></span></li>`,
        )}</ul>
      </section>`;
  }

  #cell(area: Area, first: boolean): unknown {
    const [column, row] = area.cell!;
    const lines = shortName(this.model.words.name(area.name)).split(" ").slice(0, 4);
    const top = SIDE / 2 - ((lines.length - 1) * LINE) / 2 + 8;
    return svg`
      <g class="commune" role="button" tabindex=${first ? "0" : "-1"} data-area=${area.code}
        transform=${`translate(${column * STEP} ${row * STEP})`}>
        <rect class="ground" width=${SIDE} height=${SIDE} rx="7"></rect>
        <path class="sign" d="M81 5l9 9-9 9-9-9z"></path>
        <path class="sign-warning" d="M81 6l10 17H71z"></path>
        <text x=${SIDE / 2} y=${top} aria-hidden="true">${lines.map(
          (line, at) => svg`
          <tspan x=${SIDE / 2} dy=${at === 0 ? 0 : LINE}>${line}</tspan>`,
        )}</text>
      </g>`;
  }

  protected override updated(): void {
    if (!this.querySelector(".cells")) return;
    if (this.#communes.length === 0) this.#bind();
    this.paint(this.model.now());
  }

  #bind(): void {
    for (const group of this.querySelectorAll<SVGGElement>(".commune")) {
      const area = this.model.areas.get(group.dataset.area ?? "");
      if (!area?.cell) continue;
      const commune = {
        area,
        cell: area.cell,
        group,
        look: new Mark(group, "data-look"),
        late: new Mark(group, "data-late"),
        differs: new Mark(group, "data-differs"),
        label: new Mark(group, "aria-label"),
      };
      this.#communes.push(commune);
      this.#byCode.set(area.code, commune);
    }
    for (const look of LOOKS) this.#counts.set(look, new Cell(part(this, `[data-cell=count-${look}]`)));
    this.#readName = new Cell(part(this, "[data-cell=read-name]"));
    this.#readValue = new Cell(part(this, "[data-cell=read-value]"));
    this.#readNote = new Cell(part(this, "[data-cell=read-note]"));
  }

  override paint(now: number): void {
    const map = this.model.snapshot.view.map;
    const indicator = map === null ? undefined : this.model.indicator(map);
    if (!indicator || map === null) return;
    const counts = new Map<Look, number>();
    let simulated = false;
    let replayed = false;
    for (const commune of this.#communes) {
      const newest = this.model.row(map, commune.area.code);
      const row = newest && lastComplete(newest, indicator);
      const current = row ? state(row, indicator, now, this.model.clock.grace_ms) : null;
      const look = this.#look(commune, row, indicator, current);
      counts.set(look, (counts.get(look) ?? 0) + 1);
      simulated ||= current?.simulated === true;
      replayed ||= current?.replayed === true;
    }
    for (const look of LOOKS) this.#counts.get(look)?.set(String(counts.get(look) ?? 0));
    this.#read(now);
    const panel = this.querySelector<HTMLElement>(".map");
    if (!panel) return;
    stamp(panel, "simulated", simulated, this.model.words.t("state.simulated"));
    stamp(panel, "replayed", replayed, this.model.words.t("state.replayed"));
  }

  #look(commune: Commune, row: Row | undefined, indicator: Indicator, current: State | null): Look {
    const look = lookOf(current);
    commune.look.set(look);
    commune.late.set(current?.freshness === "late" ? "" : null);
    commune.differs.set(row?.today ? "" : null);
    const { words } = this.model;
    const age = current ? ageText(current, words) : "";
    const today = row ? todayText(row, indicator, words) : "";
    commune.label.set(
      `${words.name(commune.area.name)}: ${valueText(row, indicator, current, words)}. ${age} ${today}`.trimEnd(),
    );
    return look;
  }

  #read(now: number): void {
    const map = this.model.snapshot.view.map;
    const area = this.#chosen?.area ?? this.model.home;
    const indicator = map === null ? undefined : this.model.indicator(map);
    if (!area || !indicator || map === null) return;
    const { words } = this.model;
    const newest = this.model.row(map, area.code);
    const row = newest && lastComplete(newest, indicator);
    const current = row ? state(row, indicator, now, this.model.clock.grace_ms) : null;
    this.#readName?.set(words.name(area.name));
    this.#readValue?.set(valueText(row, indicator, current, words));
    const notes: string[] = [];
    if (row && current) {
      if (current.age_ms !== null) notes.push(ageText(current, words));
      if (row.m > 0) notes.push(words.t("state.partial", { k: row.k, m: row.m }));
      const reason = reasonText(row, indicator, current, this.model);
      if (reason) notes.push(reason);
      if (row.w) notes.push(this.model.civil.window(row.w[0], row.w[1]));
      const today = todayText(row, indicator, words);
      if (today) notes.push(today);
      if (row !== newest) notes.push(words.t("map.kept"));
    }
    this.#readNote?.set(notes.join(" · "));
  }

  #choose(target: EventTarget | null): void {
    const group = target instanceof Element ? target.closest<SVGGElement>(".commune") : null;
    const commune = group ? this.#byCode.get(group.dataset.area ?? "") : undefined;
    if (!commune) return;
    this.#chosen = commune;
    this.#read(this.model.now());
  }

  /** Arrow keys go to the nearest cell that way; the diagram is one stop of Tab. */
  #walk(event: KeyboardEvent): void {
    const way = WAYS[event.key];
    const from = this.#byCode.get(
      (event.target as Element).closest<SVGGElement>(".commune")?.dataset.area ?? "",
    );
    if (!way || !from) return;
    event.preventDefault();
    const next = nearest(this.#communes, from, way);
    if (!next) return;
    for (const { group } of this.#communes) group.setAttribute("tabindex", group === next.group ? "0" : "-1");
    next.group.focus();
  }
}

const LINE = 21;
const WAYS: Readonly<Record<string, [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/** What a cell looks like; what is not known never looks fine. */
export function lookOf(current: State | null): Look {
  if (!current || current.quality === "never") return "never";
  if (!current.shown || current.insufficient) return "bad";
  if (current.freshness === "stale") return "stale";
  return current.standing === "none" ? "normal" : current.standing;
}

/** The name without the word for its kind, which every cell would repeat. */
export function shortName(name: string): string {
  return name
    .replace(/^(Xã|Phường|Đặc khu|Thị trấn) /u, "")
    .replace(/ (Commune|Ward|Special Zone|Town)$/u, "");
}

function placed(areas: Area[]): Area[] {
  return areas.filter((area) => area.cell !== null);
}

/** A cell outside the area the view is limited to: where that area lies, nothing else is known here. */
function outside([column, row]: [number, number]): unknown {
  const at = `translate(${column * STEP} ${row * STEP})`;
  return svg`<rect class="outside" transform=${at} width=${SIDE} height=${SIDE} rx="7"></rect>`;
}

function bounds(cells: [number, number][]): string {
  const columns = cells.map((cell) => cell[0]);
  const rows = cells.map((cell) => cell[1]);
  const [left, top] = [Math.min(...columns), Math.min(...rows)];
  const [wide, high] = [Math.max(...columns) - left + 1, Math.max(...rows) - top + 1];
  return `${left * STEP - 2} ${top * STEP - 2} ${wide * STEP - GAP + 4} ${high * STEP - GAP + 4}`;
}

function nearest(communes: Commune[], from: Commune, [dx, dy]: [number, number]): Commune | null {
  let best: Commune | null = null;
  let least = Infinity;
  for (const commune of communes) {
    const x = commune.cell[0] - from.cell[0];
    const y = commune.cell[1] - from.cell[1];
    const ahead = x * dx + y * dy;
    const aside = Math.abs(x * dy) + Math.abs(y * dx);
    if (ahead <= 0 || ahead + 3 * aside >= least) continue;
    least = ahead + 3 * aside;
    best = commune;
  }
  return best;
}

function swatch(look: Look): unknown {
  if (look === "exceeded") return diamondIcon;
  if (look === "warning") return triangleIcon;
  return svg`
    <svg class="icon commune" data-look=${look} viewBox="0 0 40 40" aria-hidden="true" focusable="false">
      <rect class="ground" x="3" y="3" width="34" height="34" rx="5"></rect></svg>`;
}
