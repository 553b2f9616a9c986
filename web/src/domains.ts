// Which domains the bottom line names where there is no room for all of them.
import type { Badge } from "./protocol.ts";

/** The domains with words, in the order of their ids; "" is the whole. */
export function domainsOf(badges: Record<string, Badge>): string[] {
  return Object.keys(badges)
    .filter((id) => id !== "")
    .sort();
}

/** The domains named where there is no room for all: those with the worst words; in the order of their ids. */
export function shownDomains(badges: Record<string, Badge>, most: number): string[] {
  const domains = domainsOf(badges);
  if (domains.length <= most) return domains;
  const worst = (id: string): number => Math.min(1, ...badges[id]!.filter((share) => share !== null));
  return domains
    .sort((left, right) => worst(left) - worst(right))
    .slice(0, most)
    .sort();
}
