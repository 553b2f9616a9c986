// What `GET /api/v1/explain` answers, read with care: a field a server leaves out is simply not shown.

export interface Sample {
  offset?: number; arrival?: string; source?: string; topic?: string; payload_hash?: string; items?: string[];
}

/** Field names of the HTTP contract. Values are exact decimals. */
export interface Explanation {
  definition?: { name?: { vi?: string; en?: string }; version?: string; text?: string; basis?: string } | null;
  inputs?: unknown;
  window?: { start?: string; end?: string } | null;
  value?: number | null;
  unit?: string;
  state?: string;
  revision?: number;
  k?: number;
  m?: number;
  missing?: string[];
  sources?: string[];
  first_offset?: number | null;
  last_offset?: number | null;
  samples?: Sample[];
}

/** How long an answer may take. */
export const EXPLAIN_MAX_MS = 5000;

/** An explanation, or why there is none (an RFC 9457 title or the status). */
export async function explain(base: string, indicator: string, area: string, abort: AbortSignal)
  : Promise<Explanation | string> {
  const query = new URLSearchParams({ indicator, area });
  try {
    const signal = AbortSignal.any([abort, AbortSignal.timeout(EXPLAIN_MAX_MS)]);
    const response = await fetch(`${base}/api/v1/explain?${query}`, { signal, cache: "no-store" });
    const body = await response.json() as Explanation & { title?: string; detail?: string };
    return response.ok ? body : body.detail ?? body.title ?? String(response.status);
  } catch (error) {
    return error instanceof Error ? error.name : "Error";
  }
}
