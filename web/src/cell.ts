// The hot path's two ways to touch the page: a text node and an attribute, written only when they changed.

/** One text node inside an element. */
export class Cell {
  #node = new Text("");

  constructor(element: Element) {
    element.appendChild(this.#node);
  }

  set(text: string): void {
    if (this.#node.data !== text) this.#node.data = text;
  }
}

/** One attribute of an element. */
export class Mark {
  #element: Element;
  #name: string;
  #last: string | null | undefined = undefined;

  constructor(element: Element, name: string) {
    this.#element = element;
    this.#name = name;
  }

  /** null removes it. */
  set(value: string | null): void {
    if (value === this.#last) return;
    this.#last = value;
    if (value === null) this.#element.removeAttribute(this.#name);
    else this.#element.setAttribute(this.#name, value);
  }
}

/** The element a template promised; its absence is a mistake of ours. */
export function part<T extends Element = HTMLElement>(root: ParentNode, selector: string): T {
  const element = root.querySelector<T>(selector);
  if (!element) throw new Error(`no ${selector}`);
  return element;
}
