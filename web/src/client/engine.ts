import type { HubInfo } from "./hubs";
import type { WireName } from "./wire";

export type Family = "webkit" | "firefox" | "chromium" | "other";

/** The engine behind a user agent string. Every browser of an iPhone is WebKit. */
export function familyOf(agent: string): Family {
  if (/\biP(hone|ad|od)\b/.test(agent)) {
    return "webkit";
  }
  if (/Chrom(e|ium)\//.test(agent)) {
    return "chromium";
  }
  return /\bAppleWebKit\//.test(agent) ? "webkit" : /\bFirefox\//.test(agent) ? "firefox" : "other";
}

/** The wires for a family of browsers, the best first. */
export function preference(family: Family, info?: HubInfo): WireName[] {
  let names: string[] = family === "webkit" ? ["ws", "sse", "ndjson"] : ["wt", "ws", "sse", "ndjson"];
  for (const p of (info && info.policy) || []) {
    if (p.browser === family || p.browser === "other") {
      names = p.wires;
      break;
    }
  }
  const spoken = info && info.wires;
  return names.filter((n) => !spoken || spoken.length === 0 || spoken.indexOf(n) >= 0) as WireName[];
}

/** How an engine wants WebTransport to be used. */
export interface Manners {
  /** What a session may bring before its feeds move to another; absent for any amount. */
  rotation?: { bytes: number; streams: number };
  /** Whether heartbeats may be datagrams; else they are lines of a stream. */
  datagrams: boolean;
}

/**
 * WebKit grants a session some 16 MiB and 7,000 streams, and then never any
 * more (bug 319818): its feeds leave early enough to catch up on the next
 * session before this one is stuck. Datagrams were seen to end sessions there.
 */
export function manners(family: Family): Manners {
  return family === "webkit" ? { rotation: { bytes: 10 << 20, streams: 4500 }, datagrams: false } : { datagrams: true };
}
