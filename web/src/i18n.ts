// The words of the page in both languages. A key missing in either file fails the build.
import type { Lang } from "./format.ts";
import en from "./locales/en.json";
import vi from "./locales/vi.json";
import type { Label } from "./protocol.ts";

export type Key = keyof typeof vi & keyof typeof en;
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : never) : never;
/** Does not compile if one language has a key the other lacks. */
export const sameKeys: Same<keyof typeof vi, keyof typeof en> = true;

const words: Record<Lang, Record<Key, string>> = { vi, en };

/** The page's language; a change is announced by whoever sets it. */
export class Words {
  constructor(public lang: Lang) {}

  /** The text of a key; `{name}` is replaced from `values`. */
  t(key: Key, values?: Readonly<Record<string, string | number>>): string {
    let text = words[this.lang][key];
    if (values) for (const name in values) text = text.replace(`{${name}}`, String(values[name]));
    return text;
  }

  /** Whether a text is a key, for words that come from a profile. */
  has(key: string): key is Key {
    return key in words[this.lang];
  }

  /** A catalogue name; the other language if this one is empty. */
  name(label: Label | undefined): string {
    if (!label) return "";
    return label[this.lang] || label.vi || label.en;
  }

  get other(): Lang {
    return this.lang === "vi" ? "en" : "vi";
  }
}

/** `?lang=en`; anything else is Vietnamese. */
export function langOf(search: string): Lang {
  return new URLSearchParams(search).get("lang") === "en" ? "en" : "vi";
}
