// The panel behind a click or Enter: definition, window, k of m with the missing named, offsets, samples.
import { html, nothing } from "lit";
import { part } from "../cell.ts";
import { NO_SOURCE, explain, type Explanation, type NamedSource, type Sample } from "../explanation.ts";
import { number } from "../format.ts";
import { unitText } from "../phrases.ts";
import { Panel } from "./panel.ts";

/** Names listed before "and n more". */
const NAMES_MAX = 24;
const SAMPLES_MAX = 8;
const COLUMNS = ["explain.offset", "explain.topic", "explain.hash", "explain.items"] as const;

/** `<nhip-explain>`: a modal dialog of the browser, which traps the focus and closes on Esc by itself. */
export class NhipExplain extends Panel {
  base = "";
  #indicator = "";
  #area = "";
  #answer: Explanation | string | typeof NO_SOURCE | null = null;
  #abort = new AbortController();
  #opener: Element | null = null;

  /** Asks and shows. */
  open(indicator: string, area: string): void {
    this.#opener = document.activeElement;
    this.#indicator = indicator;
    this.#area = area;
    this.#answer = null;
    this.#abort.abort();
    this.#abort = new AbortController();
    this.requestUpdate();
    const dialog = part<HTMLDialogElement>(this, "dialog");
    if (!dialog.open) dialog.showModal();
    void this.#ask(this.#abort.signal);
  }

  async #ask(signal: AbortSignal): Promise<void> {
    const answer = await explain(this.base, this.#indicator, this.#area, signal);
    if (signal.aborted) return;
    this.#answer = answer;
    this.requestUpdate();
  }

  #closed(): void {
    this.#abort.abort();
    if (this.#opener instanceof HTMLElement || this.#opener instanceof SVGElement) this.#opener.focus();
    this.#opener = null;
  }

  /** An explanation is of its moment: it does not move while it is read. */
  override paint(): void {
    /* nothing changes by itself */
  }

  protected override render(): unknown {
    const { words } = this.model;
    const indicator = this.model.indicator(this.#indicator);
    return html`
      <dialog class="explain" aria-labelledby="explain-title" @close=${() => this.#closed()}
        @click=${(event: MouseEvent) => {
          if (event.target === event.currentTarget) this.#dismiss();
        }}>
        <div class="sheet">
          <header>
            <p class="over">${words.t("explain.title")}</p>
            <h2 id="explain-title">${words.name(indicator?.name)}</h2>
            <p class="where">${words.name(this.model.areas.get(this.#area)?.name)}</p>
            <button type="button" class="close" autofocus @click=${() => this.#dismiss()}>
              ${words.t("explain.close")}</button>
          </header>
          <div class="body" tabindex="0" role="region" aria-labelledby="explain-title">${this.#body()}</div>
        </div>
      </dialog>`;
  }

  #dismiss(): void {
    part<HTMLDialogElement>(this, "dialog").close();
  }

  #body(): unknown {
    const { words } = this.model;
    if (this.#indicator === "") return nothing;
    if (this.#answer === null) return html`<p class="wait" role="status">${words.t("explain.loading")}</p>`;
    if (this.#answer === NO_SOURCE) {
      return html`<p class="wait" role="status">${words.t("explain.no_source")}</p>`;
    }
    if (typeof this.#answer === "string") {
      return html`<p class="wait" role="alert">${words.t("explain.failed", { reason: this.#answer })}</p>`;
    }
    return this.#facts(this.#answer);
  }

  #facts(answer: Explanation): unknown {
    const { words } = this.model;
    const owner = answer.definition?.owner;
    const inputs = [answer.inputs?.stream, ...(answer.inputs?.names ?? [])]
      .filter((name) => name)
      .join(" · ");
    return html`
      <dl>
        <dt>${words.t("explain.value")}</dt><dd class="big">${this.#value(answer)}</dd>
        <dt>${words.t("explain.window")}</dt><dd>${this.#window(answer)}</dd>
        <dt>${words.t("explain.completeness")}</dt><dd>${answer.k ?? "—"}/${answer.m ?? "—"}</dd>
        <dt>${words.t("explain.missing")}</dt>
        <dd>${this.#names(answer.missing, words.t("explain.nothing_missing"))}</dd>
        <dt>${words.t("explain.sources")}</dt>
        <dd>${this.#names(answer.sources, words.t("explain.no_sources"))}</dd>
        <dt>${words.t("explain.offsets")}</dt>
        <dd>${this.#offset(answer.offsets?.first)} – ${this.#offset(answer.offsets?.last)}</dd>
        ${inputs ? html`<dt>${words.t("explain.inputs")}</dt><dd>${inputs}</dd>` : nothing}
        ${owner ? html`<dt>${words.t("explain.owner")}</dt><dd>${owner}</dd>` : nothing}
      </dl>
      <h3>${words.t("explain.definition")}
        ${
          answer.definition?.version
            ? html`<small>${words.t("explain.version")}
          <code>${answer.definition.version}</code></small>`
            : nothing
        }</h3>
      ${answer.definition?.basis ? html`<p>${answer.definition.basis}</p>` : nothing}
      <pre class="definition">${answer.definition?.text ?? "—"}</pre>
      <h3>${words.t("explain.samples")}</h3>
      ${this.#samples(answer.samples ?? [])}`;
  }

  #value(answer: Explanation): string {
    const { words } = this.model;
    const indicator = this.model.indicator(this.#indicator);
    const { value, unit, source_state } = answer.figure ?? {};
    if (value === null || value === undefined)
      return source_state && source_state !== "connected" ? words.t("state.never") : "—";
    return number(value, indicator?.scale ?? 0, words.lang) + unitText(unit ?? indicator?.unit ?? "", words);
  }

  #window(answer: Explanation): string {
    const { civil, words } = this.model;
    const { start, end } = answer.window ?? {};
    if (!start || !end) return "—";
    const minute = (time: string): string => civil.full(Date.parse(time)).slice(0, 16);
    const text = `${minute(start)} – ${minute(end)}`;
    const { state, revision } = answer.figure ?? {};
    if (state === "provisional" || state === "final") return `${text} · ${words.t(`state.${state}`)}`;
    return state === "revised" ? `${text} · ${words.t("state.revised", { rev: revision ?? 0 })}` : text;
  }

  #names(names: NamedSource[] | undefined, none: string): unknown {
    if (!names || names.length === 0) return none;
    const more = names.length - NAMES_MAX;
    return html`<span class="names">${names.slice(0, NAMES_MAX).map(
      ({ source, name }) => html`
      <code title=${source}>${name ? this.model.words.name(name) : source}</code> `,
    )}</span>
      ${more > 0 ? this.model.words.t("explain.more", { n: more }) : nothing}`;
  }

  #offset(offset: number | null | undefined): string {
    return offset === null || offset === undefined ? "—" : number(offset, 0, this.model.words.lang);
  }

  #samples(samples: Sample[]): unknown {
    const { words } = this.model;
    if (samples.length === 0) return html`<p>${words.t("explain.no_samples")}</p>`;
    return html`
      <table>
        <thead><tr>${COLUMNS.map((key) => html`<th scope="col">${words.t(key)}</th>`)}</tr></thead>
        <tbody>${samples.slice(0, SAMPLES_MAX).map(
          (sample) => html`
          <tr><td class="right">${this.#offset(sample.offset)}</td><td>${sample.topic ?? "—"}</td>
            <td><code title=${sample.payload_hash ?? ""}>${(sample.payload_hash ?? "—").slice(0, 12)}
              </code></td>
            <td>${(sample.items ?? []).join(", ")}</td></tr>`,
        )}</tbody>
      </table>`;
  }
}
