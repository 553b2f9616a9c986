// How a state is said in words; shared by tiles, cartogram and explain.
import { age, number } from "./format.ts";
import { meets, targetOf, type State } from "./grammar.ts";
import type { Words } from "./i18n.ts";
import type { Model } from "./model.ts";
import { LEVEL, type Indicator, type Row } from "./protocol.ts";

/** The number with its unit, or a dash; never 0 for missing. */
export function valueText(
  row: Row | undefined,
  indicator: Indicator,
  state: State | null,
  words: Words,
): string {
  if (!row || !state || state.quality === "never")
    return words.t(row && row.m > 0 ? "state.silent" : "state.never");
  if (!state.shown || row.v === null) return "—";
  const mark = state.quality === "uncertain" ? "≈\u00a0" : "";
  return mark + number(row.v, indicator.scale, words.lang) + unitText(indicator.unit, words);
}

/** A unit with its leading space (none before %); nothing for pure numbers. Counted things get words. */
export function unitText(unit: string, words: Words): string {
  if (unit === "" || unit === "1") return "";
  if (unit === "%") return unit;
  const key = `unit.${unit}`;
  return `\u00a0${words.has(key) ? words.t(key) : unit}`;
}

/** `12 s`, `trễ 4 ph`, `CŨ 2 g 10 ph`. */
export function ageText(state: State, words: Words): string {
  if (state.age_ms === null) return "";
  const text = age(state.age_ms, words.lang);
  if (state.freshness === "late") return `${words.t("state.late")}\u00a0${text}`;
  return state.freshness === "stale" ? `${words.t("state.stale")}\u00a0${text}` : text;
}

/** Why the value is uncertain or bad, with the last value that was known; empty for good ones. */
export function reasonText(row: Row, indicator: Indicator, state: State, model: Model): string {
  const { words, civil } = model;
  if (state.quality === "good" || state.quality === "never") return "";
  const reason = words.t(`reason.${state.reason === "" ? "bad" : state.reason}`);
  if (state.quality === "uncertain") return reason;
  const last = lastKnown(row);
  if (!last) return reason;
  const value = number(last[1], indicator.scale, words.lang);
  const clock = civil.parts(last[0]);
  return `${reason} · ${words.t("state.last", { value, time: `${clock.hour}:${clock.minute}` })}`;
}

/** `nay là 35,2 µg/m³` where a window of the past says something else today; else nothing. */
export function todayText(row: Row, indicator: Indicator, words: Words): string {
  const { today } = row;
  if (!today) return "";
  if (today.v === null) return words.t("replay.today_none");
  const value = number(today.v, indicator.scale, words.lang) + unitText(indicator.unit, words);
  return words.t("replay.today", { value });
}

/** Which side of the limit is beyond it; a warning says that it is one. */
export function beyondText(indicator: Indicator, row: Row, words: Words): string {
  if (row.l === LEVEL.warning) return words.t("level.warning");
  return words.t(indicator.below ? "level.exceeded_below" : "level.exceeded_above");
}

/** `chỉ tiêu 45 (KH 12/KH-UBND): đạt`, or that none was set. */
export function targetText(indicator: Indicator, area: string, row: Row | undefined, words: Words): string {
  if (!row?.w) return "";
  const target = targetOf(indicator, area, row);
  if (!target) return words.t("target.none");
  const value = trimmed(target.value, indicator, words);
  const said = words.t("target.of", { value, document: target.document });
  const met = meets(row.v, target, indicator);
  return met === null ? said : `${said}: ${words.t(met ? "target.met" : "target.missed")}`;
}

/** `thiếu 3/5 nguồn` where too few have spoken, else `5/5 nguồn`. */
export function kofmText(row: Row, state: State | null, words: Words): string {
  if (row.m === 0) return "";
  return state?.insufficient
    ? words.t("state.lacking", { n: row.m - row.k, m: row.m })
    : words.t("state.partial", { k: row.k, m: row.m });
}

/** `≤ 50` or `≥ 95`; empty without a limit. */
export function limitText(indicator: Indicator, words: Words): string {
  if (indicator.limit === null || indicator.limit === undefined) return "";
  const limit = trimmed(indicator.limit, indicator, words);
  return `${indicator.below ? "≥" : "≤"}\u00a0${limit}`;
}

/** The document that sets the limit, with what parts the two. */
export function limitDocument(indicator: Indicator): string {
  const none = indicator.limit === null || indicator.limit === undefined || !indicator.document;
  return none ? "" : `\u00a0· ${indicator.document}`;
}

/** How settled the window is: provisional, final, revised. */
export function settledText(row: Row, state: State, words: Words): string {
  return state.settled === "revised" || state.settled === "restated"
    ? words.t(`state.${state.settled}`, { rev: row.rev })
    : words.t(`state.${state.settled}`);
}

/** Whole numbers without digits behind the point. */
function trimmed(value: number, indicator: Indicator, words: Words): string {
  return number(value, Number.isInteger(value) ? 0 : indicator.scale, words.lang);
}

function lastKnown(row: Row): [number, number] | null {
  const history = row.hist ?? [];
  for (let at = history.length - 1; at >= 0; at--) {
    const entry = history[at]!;
    if (entry[1] !== null) return [entry[0], entry[1]];
  }
  return null;
}
