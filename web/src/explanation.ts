// What `GET /api/v1/explain` answers, read with care: a field a server leaves out is simply not shown.
import type { Label } from "./protocol.ts";

/** One contributing record. */
export interface Sample {
  offset?: number;
  arrival?: string;
  source?: string;
  topic?: string;
  payload_hash?: string;
  items?: string[];
}

/** One source: its id and, if the profile lists it, its name. */
export interface NamedSource {
  source: string;
  name?: Label | null;
  area?: string;
}

/** Field names of the HTTP contract. Values are exact decimals, times RFC 3339. */
export interface Explanation {
  figure?: {
    value?: number | null;
    unit?: string;
    state?: string;
    revision?: number;
    origin?: string;
    source_state?: string;
  };
  definition?: { version?: string; text?: string; basis?: string; owner?: string };
  inputs?: { stream?: string | null; names?: string[] };
  window?: { start?: string; end?: string };
  k?: number;
  m?: number;
  missing?: NamedSource[];
  sources?: NamedSource[];
  offsets?: { first?: number | null; last?: number | null };
  samples?: Sample[];
}

/** How long an answer may take. */
export const EXPLAIN_MAX_MS = 5000;

/** The answer where nothing feeds the figure: no source of it is connected. */
export const NO_SOURCE = Symbol("no source");

/** An explanation, or why there is none ({@link NO_SOURCE}, else an RFC 9457 title or the status). */
export async function explain(
  base: string,
  indicator: string,
  area: string,
  abort: AbortSignal,
): Promise<Explanation | string | typeof NO_SOURCE> {
  const query = new URLSearchParams({ indicator, area });
  try {
    const signal = AbortSignal.any([abort, AbortSignal.timeout(EXPLAIN_MAX_MS)]);
    const response = await fetch(`${base}/api/v1/explain?${query}`, { signal, cache: "no-store" });
    const body = (await response.json()) as Explanation & { type?: string; title?: string; detail?: string };
    if (body.type?.endsWith(":no-source")) return NO_SOURCE;
    return response.ok ? body : (body.detail ?? body.title ?? String(response.status));
  } catch (error) {
    return error instanceof Error ? error.name : "Error";
  }
}
