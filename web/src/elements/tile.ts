// One figure of the wall: value, unit, age, badge, k of m, level, sparkline, and every mark of honesty.
import { html, svg } from "lit";
import { Cell, Mark, part } from "../cell.ts";
import { number, percent } from "../format.ts";
import { meets, state, targetOf, type State } from "../grammar.ts";
import type { Words } from "../i18n.ts";
import {
  ageText,
  beyondText,
  kofmText,
  limitDocument,
  limitText,
  reasonText,
  settledText,
  targetText,
  todayText,
  unitText,
  valueText,
} from "../phrases.ts";
import { LEVEL, type Badge, type Indicator, type Row } from "../protocol.ts";
import { HEIGHT, WIDTH, spark, windowLength } from "../sparkline.ts";
import { HISTORY_MAX } from "../store.ts";
import { clockIcon, diamondIcon, pencilIcon, ringIcon, targetIcon, triangleIcon } from "./icons.ts";
import { Panel } from "./panel.ts";

const WORDS = ["dung", "du", "sach", "song"] as const;

/** The cells a tile writes. */
class Parts {
  value;
  unit;
  age;
  level;
  reason;
  today;
  kofm;
  settled;
  window;
  typed;
  badge;
  unjudged;
  target;
  marks;
  card;
  end;
  line;
  open;
  limit;
  origin;
  endX;
  endY;
  limitY1;
  limitY2;

  constructor(root: ParentNode) {
    const cell = (name: string): Cell => new Cell(part(root, `[data-cell=${name}]`));
    this.value = cell("value");
    this.unit = cell("unit");
    this.age = cell("age");
    this.level = cell("level");
    this.reason = cell("reason");
    this.today = cell("today");
    this.kofm = cell("kofm");
    this.settled = cell("settled");
    this.window = cell("window");
    this.typed = cell("typed");
    this.badge = WORDS.map((word) => cell(word));
    this.unjudged = new Mark(part(root, ".badge .word"), "data-unjudged");
    this.target = cell("target");
    this.card = part<HTMLButtonElement>(root, ".card");
    this.marks = new Map(MARKS.map((name) => [name, new Mark(this.card, `data-${name}`)]));
    this.origin = cell("origin");
    const end = part(root, ".spark-end");
    this.end = new Mark(end, "class");
    this.endX = new Mark(end, "cx");
    this.endY = new Mark(end, "cy");
    this.line = new Mark(part(root, ".spark-line"), "d");
    this.open = new Mark(part(root, ".spark-open"), "d");
    const limit = part(root, ".spark-limit");
    this.limit = new Mark(limit, "class");
    this.limitY1 = new Mark(limit, "y1");
    this.limitY2 = new Mark(limit, "y2");
  }
}

const MARKS = [
  "freshness",
  "quality",
  "standing",
  "settled",
  "partial",
  "insufficient",
  "typed",
  "target",
  "differs",
] as const;

/** `<nhip-tile>` */
export class NhipTile extends Panel {
  indicator = "";
  area = "";
  #parts: Parts | null = null;
  #sparkAt = -Infinity;

  protected override render(): unknown {
    const { words } = this.model;
    const indicator = this.model.indicator(this.indicator);
    if (!indicator) return html``;
    return html`
      <button class="card" type="button" data-indicator=${this.indicator} data-area=${this.area}>
        <span class="head">
          <span class="name">${words.name(indicator.name)}</span>
          <span class="spoken" data-cell="origin"></span>
          <span class="level">${diamondIcon}${triangleIcon}<span data-cell="level"></span></span>
        </span>
        <span class="figure">
          <span class="reading"><span class="value" data-cell="value"></span><span class="unit"
            data-cell="unit"></span></span>
          <span class="reason" data-cell="reason"></span>
          <span class="today" data-cell="today"></span>
        </span>
        <span class="trend">
          ${sparkFrame}
          <span class="trend-foot"><span>${spanText(this.#length(indicator), this.model.words)}</span>
            <span class="limit"><span>${limitText(indicator, words)}</span><span
              class="limit-document">${limitDocument(indicator)}</span></span></span>
        </span>
        <span class="target">${targetIcon}<span data-cell="target"></span></span>
        <span class="meta">
          <span class="age">${clockIcon}<span data-cell="age"></span></span>
          <span class="kofm" data-cell="kofm"></span>
          <span class="typed">${pencilIcon}<span data-cell="typed"></span></span>
          <span class="settled">${ringIcon}<span data-cell="settled"></span></span>
          <span class="window" data-cell="window"></span>
        </span>
        <span class="badge">${WORDS.map(
          (word) => html`
          <span class="word"><span class="word-name">${words.t(`badge.${word}`)}</span><span
            class="word-value" data-cell=${word}></span></span>`,
        )}</span>
      </button>`;
  }

  protected override updated(): void {
    this.#parts ??= this.model.indicator(this.indicator) ? new Parts(this) : null;
    this.#sparkAt = -Infinity;
    this.paint(this.model.now());
  }

  override paint(now: number): void {
    const parts = this.#parts;
    const indicator = this.model.indicator(this.indicator);
    if (!parts || !indicator) return;
    const row = this.model.row(this.indicator, this.area);
    const current = row ? state(row, indicator, now, this.model.clock.grace_ms) : null;
    this.#mark(parts, row, indicator, current);
    this.#write(parts, row, indicator, current);
    this.#origin(parts, current);
    if (row && performance.now() - this.#sparkAt >= SPARK_EVERY_MS) this.#draw(parts, row, indicator);
  }

  #mark(parts: Parts, row: Row | undefined, indicator: Indicator, current: State | null): void {
    const { marks } = parts;
    marks.get("freshness")?.set(current?.freshness ?? "never");
    marks.get("quality")?.set(current?.quality ?? "never");
    marks.get("standing")?.set(current && current.shown ? current.standing : "none");
    marks.get("settled")?.set(current?.settled ?? null);
    marks.get("partial")?.set(current?.partial ? "" : null);
    marks.get("insufficient")?.set(current?.insufficient ? "" : null);
    marks.get("typed")?.set(current?.typed ? "" : null);
    marks.get("differs")?.set(row?.today ? "" : null);
    const met = row && current?.shown ? meets(row.v, targetOf(indicator, this.area, row), indicator) : null;
    marks.get("target")?.set(met === null ? null : met ? "met" : "missed");
  }

  #write(parts: Parts, row: Row | undefined, indicator: Indicator, current: State | null): void {
    const { words } = this.model;
    const shown = row !== undefined && row.v !== null && current?.shown === true;
    parts.value.set(
      shown
        ? reading(row.v!, current, indicator, this.model.words.lang)
        : valueText(row, indicator, current, words),
    );
    parts.unit.set(shown ? unitText(indicator.unit, words).trim() : "");
    parts.reason.set(row && current ? reasonText(row, indicator, current, this.model) : "");
    parts.today.set(row ? todayText(row, indicator, words) : "");
    parts.age.set(current ? ageText(current, words) : "");
    parts.level.set(row && row.l >= LEVEL.exceeded ? beyondText(indicator, row, words) : "");
    parts.target.set(targetText(indicator, this.area, row, words));
    parts.kofm.set(row ? kofmText(row, current, words) : "");
    parts.settled.set(row && current && current.quality !== "never" ? settledText(row, current, words) : "");
    parts.window.set(row?.w ? this.model.civil.window(row.w[0], row.w[1]) : "");
    parts.typed.set(
      current?.typed
        ? words.t("state.typed", { owner: words.name(indicator.owner_name) || indicator.owner })
        : "",
    );
    this.#badge(parts, row?.b);
  }

  #badge(parts: Parts, badge: Badge | undefined): void {
    const { words } = this.model;
    parts.badge.forEach((cell, at) => cell.set(shareText(badge?.[at] ?? null, at === 0, words)));
    parts.unjudged.set((badge?.[0] ?? null) === null ? "" : null);
  }

  /** Written anew each time, whatever somebody did to the page: these marks cannot be hidden. */
  #origin(parts: Parts, current: State | null): void {
    const { words, origin } = this.model;
    const of = current && current.quality !== "never" ? current : origin;
    stamp(parts.card, "simulated", of.simulated, words.t("state.simulated"));
    stamp(parts.card, "replayed", of.replayed, words.t("state.replayed"));
    parts.origin.set(
      of.simulated ? words.t("state.simulated") : of.replayed ? words.t("state.replayed") : "",
    );
  }

  #draw(parts: Parts, row: Row, indicator: Indicator): void {
    this.#sparkAt = performance.now();
    const drawn = spark(row, indicator.limit, windowLength(indicator.window, row));
    parts.line.set(drawn.line);
    parts.open.set(drawn.open);
    parts.end.set(drawn.end ? `spark-end ${drawn.end.hollow ? "hollow" : "solid"}` : "spark-end none");
    if (drawn.end) {
      parts.endX.set(String(drawn.end.x));
      parts.endY.set(String(drawn.end.y));
    }
    parts.limit.set(drawn.limit_y === null ? "spark-limit none" : "spark-limit");
    if (drawn.limit_y !== null) {
      parts.limitY1.set(String(drawn.limit_y));
      parts.limitY2.set(String(drawn.limit_y));
    }
  }

  #length(indicator: Indicator): number {
    return windowLength(indicator.window, this.model.row(this.indicator, this.area));
  }
}

/** A line is redrawn at most this often. */
const SPARK_EVERY_MS = 900;

const sparkFrame = svg`
  <svg class="spark" viewBox="0 0 ${WIDTH} ${HEIGHT}" aria-hidden="true" focusable="false">
    <line class="spark-limit none" x1="0" x2=${WIDTH} y1="0" y2="0"></line>
    <path class="spark-line" d=""></path>
    <path class="spark-open" d=""></path>
    <circle class="spark-end none" r="7"></circle>
  </svg>`;

/** `chưa đối soát` for a đúng that nobody checked; other words not judged are unknown, never 100 %. */
export function shareText(share: number | null, accurate: boolean, words: Words): string {
  if (share === null) return words.t(accurate ? "badge.unreconciled" : "badge.unknown");
  return `${percent(share, words.lang)}%`;
}

/** Puts the mark on an element, or takes it away where the data is not of that origin. */
export function stamp(target: HTMLElement, name: "simulated" | "replayed", on: boolean, text: string): void {
  const old = target.querySelector<HTMLElement>(`:scope > .stamp-${name}`);
  if (!on) {
    old?.remove();
    target.removeAttribute(`data-${name}`);
    return;
  }
  const mark = old ?? target.appendChild(document.createElement("span"));
  if (mark.className !== `stamp stamp-${name}`) mark.className = `stamp stamp-${name}`;
  if (mark.ariaHidden !== "true") mark.ariaHidden = "true";
  if (mark.hasAttribute("style")) mark.removeAttribute("style");
  if (mark.hidden) mark.hidden = false;
  if (mark.dataset.text !== text) mark.dataset.text = text;
  if (mark.textContent !== text) mark.textContent = text;
  if (target.getAttribute(`data-${name}`) !== "") target.setAttribute(`data-${name}`, "");
  if (target.hasAttribute("style")) target.removeAttribute("style");
}

function reading(value: number, current: State, indicator: Indicator, lang: "vi" | "en"): string {
  return (current.quality === "uncertain" ? "≈" : "") + number(value, indicator.scale, lang);
}

function spanText(length_ms: number, words: Words): string {
  const minutes = Math.round((length_ms * HISTORY_MAX) / 60_000);
  if (minutes < 120) return words.t("span.minutes", { n: minutes });
  const hours = Math.round(minutes / 60);
  return hours <= 72
    ? words.t("span.hours", { n: hours })
    : words.t("span.days", { n: Math.round(hours / 24) });
}
