// Numbers, ages and times as Vietnamese and English screens write them. No Intl object is made per value.

export type Lang = "vi" | "en";

const MINUS = "\u2212";
const NBSP = "\u00a0";

/** `1.204,5` in vi, `1,204.5` in en; the true minus sign; never "-0". */
export function number(value: number, scale: number, lang: Lang): string {
  const [group, point] = lang === "vi" ? [".", ","] : [",", "."];
  const fixed = Math.abs(value).toFixed(Math.min(Math.max(scale, 0), 12));
  const dot = fixed.indexOf(".");
  const whole = dot < 0 ? fixed : fixed.slice(0, dot);
  let grouped = "";
  for (let at = 0; at < whole.length; at++) {
    if (at > 0 && (whole.length - at) % 3 === 0) grouped += group;
    grouped += whole[at];
  }
  const text = dot < 0 ? grouped : grouped + point + fixed.slice(dot + 1);
  return value < 0 && Number(fixed) !== 0 ? MINUS + text : text;
}

/** A share 0…1 as percent with at most one digit, rounded down so that 99.96 % never reads 100 %. */
export function percent(share: number, lang: Lang): string {
  const tenths = Math.floor(share * 1000 + 1e-9);
  return number(tenths / 10, tenths % 10 === 0 ? 0 : 1, lang);
}

/** `12 s`, `4 ph`, `2 g 10 ph`, `3 ngày` (en: `12 s`, `4 min`, `2 h 10 min`, `3 d`). */
export function age(age_ms: number, lang: Lang): string {
  const seconds = Math.floor(age_ms / 1000);
  const [min, hour, day] = lang === "vi" ? ["ph", "g", "ngày"] : ["min", "h", "d"];
  if (seconds < 60) return `${seconds}${NBSP}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}${NBSP}${min}`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48)
    return `${hours}${NBSP}${hour}` + (minutes % 60 ? `${NBSP}${minutes % 60}${NBSP}${min}` : "");
  return `${Math.floor(hours / 24)}${NBSP}${day}`;
}

/** Civil times in one zone; the formatter is made once. */
export class CivilTime {
  #format: Intl.DateTimeFormat;

  constructor(zone: string) {
    this.#format = new Intl.DateTimeFormat("en-GB", {
      timeZone: zone,
      hourCycle: "h23",
      weekday: "short",
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
    });
  }

  parts(ms: number): Civil {
    const civil: Civil = { weekday: 0, year: "", month: "", day: "", hour: "", minute: "", second: "" };
    for (const { type, value } of this.#format.formatToParts(ms)) {
      if (type === "weekday") civil.weekday = WEEKDAYS.indexOf(value);
      else if (type in civil) civil[type as keyof Omit<Civil, "weekday">] = value;
    }
    return civil;
  }

  /** `14:05:12` */
  time(ms: number): string {
    const { hour, minute, second } = this.parts(ms);
    return `${hour}:${minute}:${second}`;
  }

  /** `21/11/2026 14:05:12` */
  full(ms: number): string {
    const { year, month, day } = this.parts(ms);
    return `${day}/${month}/${year} ${this.time(ms)}`;
  }

  /** `14:00–15:00` within a day, `21/11` for whole days, `21/11 14:00–22/11 02:00` else. */
  window(start_ms: number, end_ms: number): string {
    const from = this.parts(start_ms);
    const to = this.parts(end_ms);
    const clock = (at: Civil): string => `${at.hour}:${at.minute}`;
    const date = (at: Civil): string => `${at.day}/${at.month}`;
    const midnight = clock(from) === "00:00" && clock(to) === "00:00";
    if (midnight) {
      const last = this.parts(end_ms - 1);
      if (date(last) === date(from)) return date(from);
      return from.day === "01" && to.day === "01"
        ? `${from.month}/${from.year}`
        : `${date(from)}–${date(last)}`;
    }
    const near = end_ms - start_ms < 24 * 3_600_000;
    return near ? `${clock(from)}–${clock(to)}` : `${date(from)} ${clock(from)}–${date(to)} ${clock(to)}`;
  }
}

/** Wall-clock parts; weekday 0 is Sunday. */
export interface Civil {
  weekday: number;
  year: string;
  month: string;
  day: string;
  hour: string;
  minute: string;
  second: string;
}

const WEEKDAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
