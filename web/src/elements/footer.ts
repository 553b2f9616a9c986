// The bottom line: the four words for the installation and each domain, sources, link, position in the log.
import { html } from "lit";
import { Cell, Mark, part } from "../cell.ts";
import { domainsOf, shownDomains } from "../domains.ts";
import { number } from "../format.ts";
import type { Key } from "../i18n.ts";
import type { Badge, UnitBadge } from "../protocol.ts";
import { Panel } from "./panel.ts";
import { shareText } from "./tile.ts";

const WORDS = ["dung", "du", "sach", "song"] as const;
/** Units named on the bottom line: those with the worst words. */
const UNITS_MAX = 3;
/** Domains on the bottom line: all of them, or those with the worst words. */
const DOMAINS_MAX = 6;
const UNIT_PLACES = Array.from({ length: UNITS_MAX }, (_, at) => at);

/** `<nhip-footer>` */
export class NhipFooter extends Panel {
  #whole: Cell[] = [];
  #domains: { name: Cell; shares: Cell[] }[] = [];
  #cells = new Map<string, Cell>();
  #units: Cell[] = [];
  #link: Mark | null = null;
  #ingest: Mark | null = null;

  protected override render(): unknown {
    const { words, snapshot } = this.model;
    const places = Math.min(domainsOf(snapshot.badges).length, DOMAINS_MAX);
    return html`
      <footer class="bottom">
        <div class="quality" role="group" aria-label=${words.t("footer.title")}>
          ${
            snapshot.view.area
              ? html`<div class="domain">${words.t("footer.limited")}</div>`
              : html`<div class="domain whole" data-domain="">${this.#words(words.t("footer.all"))}</div>`
          }
          <div class="domains">${Array.from(
            { length: places },
            () => html`
            <div class="domain" data-place>${this.#words("")}</div>`,
          )}</div>
        </div>
        <div class="units"><span class="domain-name" data-cell="units-title"></span>${UNIT_PLACES.map(
          () => html`<span class="unit-words"></span>`,
        )}</div>
        <div class="system">
          <span class="stat"><span class="word-name">${words.t("footer.sources")}</span><span
            class="word-value" data-cell="sources"></span></span>
          <span class="stat" data-ingest><span data-cell="ingest"></span></span>
          <span class="stat"><span data-cell="rate"></span></span>
          <span class="stat"><span data-cell="lag"></span></span>
          <span class="stat link"><span class="lamp" aria-hidden="true"></span>${this.model.replay ? "" : "WebSocket"}
            <span data-cell="link"></span></span>
          <span class="stat offset" data-cell="offset"></span>
          <button class="lang" type="button" title=${words.t("lang.switch")} lang=${words.other}
            data-act="lang">${words.t("lang.other")}</button>
        </div>
      </footer>`;
  }

  #words(name: string): unknown {
    const { words } = this.model;
    return html`<span class="domain-name">${name || html`<span data-name></span>`}</span>${WORDS.map(
      (word) => html`
      <span class="word"><span class="word-name">${words.t(`badge.${word}`)}</span><span class="word-value"
        data-word=${word}></span></span>`,
    )}`;
  }

  #domainName(id: string): string {
    const label = this.model.snapshot.domains?.[id];
    return label ? this.model.words.name(label) : id;
  }

  protected override updated(): void {
    if (this.#cells.size === 0) {
      const words = (block: Element): Cell[] =>
        [...block.querySelectorAll("[data-word]")].map((element) => new Cell(element));
      this.#whole = [...this.querySelectorAll(".whole")].flatMap(words);
      this.#domains = [...this.querySelectorAll(".domain[data-place]")].map((block) => ({
        name: new Cell(part(block, "[data-name]")),
        shares: words(block),
      }));
      this.#units = [...this.querySelectorAll(".unit-words")].map((element) => new Cell(element));
      for (const name of ["sources", "ingest", "rate", "lag", "link", "offset", "units-title"]) {
        this.#cells.set(name, new Cell(part(this, `[data-cell=${name}]`)));
      }
      this.#link = new Mark(part(this, ".link"), "data-link");
      this.#ingest = new Mark(part(this, "[data-ingest]"), "data-ingest");
    }
    this.paint();
  }

  override paint(): void {
    const { words, snapshot, heartbeat, link, store } = this.model;
    const { lang } = words;
    this.#share(this.#whole, snapshot.badges[""]);
    shownDomains(snapshot.badges, DOMAINS_MAX).forEach((id, at) => {
      const place = this.#domains[at];
      place?.name.set(this.#domainName(id));
      if (place) this.#share(place.shares, snapshot.badges[id]);
    });
    this.#paintUnits(heartbeat?.units ?? snapshot.units ?? []);
    const { live, due } = heartbeat?.sources ?? snapshot.sources;
    this.#set("sources", `${number(live, 0, lang)}/${number(due, 0, lang)}`);
    const links = heartbeat?.links ?? snapshot.links;
    const down = links.filter((entry) => !entry.up).map((entry) => entry.name);
    // A replay has no links of its own, and those of now are none of its business.
    const replayed = link.phase === "replay";
    this.#set(
      "ingest",
      replayed
        ? ""
        : down.length > 0
          ? words.t("link.ingest_down", { names: down.join(", ") })
          : words.t("link.ingest", { up: links.length, all: links.length }),
    );
    this.#ingest?.set(!replayed && (down.length > 0 || links.length === 0) ? "down" : "up");
    this.#set("rate", heartbeat ? words.t("link.rate", { n: number(heartbeat.in_s, 0, lang) }) : "");
    this.#set("lag", heartbeat ? words.t("link.lag", { ms: number(heartbeat.lag_ms, 0, lang) }) : "");
    const phase = link.lost(performance.now()) && link.phase === "live" ? "connecting" : link.phase;
    this.#link?.set(phase);
    this.#set("link", words.t(`link.${phase}` as Key));
    this.#set("offset", `${store.epoch.slice(0, 4)}… o=${number(store.offset, 0, lang)}`);
  }

  #share(cells: Cell[], badge: Badge | undefined): void {
    cells.forEach((cell, at) => cell.set(shareText(badge?.[at] ?? null, at === 0, this.model.words)));
  }

  #paintUnits(units: UnitBadge[]): void {
    const { words, snapshot } = this.model;
    this.#set("units-title", units.length > 0 ? words.t("footer.units") : "");
    this.#units.forEach((cell, at) => {
      const unit = units[at];
      if (!unit) return cell.set("");
      const name = words.name(snapshot.unit_names?.[unit[0]]) || unit[0];
      const judged = WORDS.flatMap((word, of) =>
        unit[1][of] === null ? [] : [`${words.t(`badge.${word}`)} ${shareText(unit[1][of]!, false, words)}`],
      );
      cell.set(`${name}: ${judged.join(", ")}`);
    });
  }

  #set(name: string, text: string): void {
    this.#cells.get(name)?.set(text);
  }
}
