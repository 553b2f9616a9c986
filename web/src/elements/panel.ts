// The base of every element: light DOM, rendered by Lit once per language, painted by hand afterwards.
import { LitElement } from "lit";
import type { Model } from "../model.ts";

/** Subclasses render static words with Lit and write changing text through cells. */
export abstract class Panel extends LitElement {
  model!: Model;

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  /** Static words again, after a change of language; then everything painted anew. */
  relabel(): void {
    this.requestUpdate();
  }

  /** Writes what changes; called for each changed row and twice a second. `now` is server ms. */
  abstract paint(now: number): void;
}
