// The secondary zone: one page of up to four figures at a time, in turn; the tiles above it never move.
import { html } from "lit";
import { Cell, Mark, part } from "../cell.ts";
import { state, type State } from "../grammar.ts";
import { ageText, beyondText, valueText } from "../phrases.ts";
import { LEVEL, type RotationPage } from "../protocol.ts";
import { type PageState, pageAt, pageState } from "../rotation.ts";
import { clockIcon, diamondIcon, triangleIcon } from "./icons.ts";
import { Panel } from "./panel.ts";
import { stamp } from "./tile.ts";

/** One small figure on a page. */
interface Small {
  indicator: string;
  card: HTMLElement;
  value: Cell;
  age: Cell;
  level: Cell;
  standing: Mark;
  freshness: Mark;
}

/** `<nhip-rotation>` */
export class NhipRotation extends Panel {
  #pages: { element: Mark; dot: Mark; small: Small[] }[] = [];
  #held: Cell | null = null;

  protected override render(): unknown {
    const { snapshot, words } = this.model;
    const pages = snapshot.view.rotation ?? [];
    return html`
      <section class="rotation panel" aria-label=${words.t("rotation.title")}>
        <header class="rotation-head"><span class="dots" aria-hidden="true">${pages.map(
          () => html`<i class="dot"></i>`,
        )}</span><span class="held" data-cell="held"></span></header>
        ${pages.map((page) => this.#page(page))}
      </section>`;
  }

  #page(page: RotationPage): unknown {
    const { words, home } = this.model;
    return html`
      <div class="page" hidden>
        <h2>${words.name(page.title)}</h2>
        <div class="smalls">${page.indicators.map((id) => {
          const indicator = this.model.indicator(id);
          return html`
          <button class="card small" type="button" data-indicator=${id} data-area=${home?.code ?? ""}>
            <span class="name">${words.name(indicator?.name)}</span>
            <span class="small-value" data-cell="value"></span>
            <span class="small-foot"><span class="age">${clockIcon}<span data-cell="age"></span></span>
              <span class="level">${diamondIcon}${triangleIcon}<span data-cell="level"></span></span></span>
          </button>`;
        })}</div>
      </div>`;
  }

  protected override updated(): void {
    if (this.#pages.length === 0) this.#bind();
    this.paint(this.model.now());
  }

  #bind(): void {
    const dots = [...this.querySelectorAll(".dot")];
    [...this.querySelectorAll(".page")].forEach((page, at) => {
      const small = [...page.querySelectorAll<HTMLElement>(".card")].map((card) => ({
        indicator: card.dataset.indicator ?? "",
        card,
        value: new Cell(part(card, "[data-cell=value]")),
        age: new Cell(part(card, "[data-cell=age]")),
        level: new Cell(part(card, "[data-cell=level]")),
        standing: new Mark(card, "data-standing"),
        freshness: new Mark(card, "data-freshness"),
      }));
      this.#pages.push({
        element: new Mark(page, "hidden"),
        dot: new Mark(dots[at] ?? page, "data-on"),
        small,
      });
    });
    this.#held = new Cell(part(this, "[data-cell=held]"));
  }

  override paint(now: number): void {
    const { words, snapshot, clock } = this.model;
    const states = this.#pages.map((page) => this.#paintPage(page.small, now));
    const standing = pageAt(states, now, (snapshot.view.dwell_s ?? 20) * 1000, clock.rate);
    this.#pages.forEach((page, at) => {
      page.element.set(at === standing.at ? null : "");
      page.dot.set(at === standing.at ? "" : null);
    });
    this.#held?.set(standing.held ? words.t("rotation.held") : "");
  }

  #paintPage(small: Small[], now: number): PageState {
    return pageState(small.map((figure) => this.#paintSmall(figure, now)));
  }

  #paintSmall(figure: Small, now: number): State | null {
    const { words } = this.model;
    const indicator = this.model.indicator(figure.indicator);
    const area = this.model.home?.code ?? "";
    const row = this.model.row(figure.indicator, area);
    if (!indicator) return null;
    const current = row ? state(row, indicator, now, this.model.clock.grace_ms) : null;
    figure.value.set(valueText(row, indicator, current, words));
    figure.age.set(current ? ageText(current, words) : "");
    figure.level.set(row && row.l >= LEVEL.exceeded ? beyondText(indicator, row, words) : "");
    figure.standing.set(current?.shown ? current.standing : "none");
    figure.freshness.set(current?.freshness ?? "never");
    const of = current && current.quality !== "never" ? current : this.model.origin;
    stamp(figure.card, "simulated", of.simulated, words.t("state.simulated"));
    stamp(figure.card, "replayed", of.replayed, words.t("state.replayed"));
    return current;
  }
}
