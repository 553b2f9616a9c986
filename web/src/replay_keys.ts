// Keys and buttons of a replay mean the same: one table.
import type { ReplayLink } from "./replay.ts";

/** What may be asked of a replay. */
export type Act = "toggle" | "back" | "forward" | "slower" | "faster" | "mode" | "live";

const KEYS: Readonly<Record<string, Act>> = {
  " ": "toggle",
  arrowleft: "back",
  arrowright: "forward",
  "-": "slower",
  "+": "faster",
  "=": "faster",
  m: "mode",
  escape: "live",
};

/** A key in lower case; whether it meant something. */
export function press(replay: ReplayLink, key: string): boolean {
  const act = KEYS[key];
  if (act) perform(replay, act);
  return act !== undefined;
}

export function perform(replay: ReplayLink, act: Act): void {
  switch (act) {
    case "toggle":
      return replay.toggle();
    case "back":
    case "forward":
      return replay.step(act === "forward");
    case "slower":
    case "faster":
      return replay.setSpeed(act === "faster");
    case "mode":
      return replay.nextMode();
    case "live":
      return location.assign(liveAddress(location.href));
  }
}

/** The same wall without its moment. */
export function liveAddress(href: string): string {
  const url = new URL(href);
  for (const name of ["at", "speed", "mode"]) url.searchParams.delete(name);
  return url.href;
}

/** The same wall at a moment, to be kept or sent on. */
export function momentAddress(href: string, replay: { at: number; speed: number; mode: string }): string {
  const url = new URL(href);
  url.searchParams.set("at", new Date(replay.at).toISOString());
  url.searchParams.set("speed", String(replay.speed));
  url.searchParams.set("mode", replay.mode);
  return url.href;
}
