import { parseFrame, Lines, type Frame } from "./frame";
import { Problem, problemOf, unreachable } from "./problem";

/** Hears what one connection brings. end comes once, as the last call. */
export interface Listener {
  frame(f: Frame): void;
  /** The connection is over; with a Problem when the hub said why. */
  end(why: Problem): void;
}

/** A way to bring frames here. open starts at once; the result closes it. */
export interface Wire {
  readonly name: string;
  open(url: string, token: string, to: Listener): () => void;
}

/** NDJSON read by fetch: for every engine that can stream a body. */
export const ndjson: Wire = {
  name: "ndjson",
  open(url, token, to) {
    const abort = new AbortController();
    let closed = false;
    const end = (why: Problem): void => {
      if (!closed) {
        closed = true;
        abort.abort();
        to.end(why);
      }
    };
    const headers: Record<string, string> = { Accept: "application/x-ndjson" };
    if (token) {
      headers["Authorization"] = "Bearer " + token;
    }
    fetch(url, { headers, signal: abort.signal, cache: "no-store" })
      .then((r) => {
        if (!r.ok || !r.body) {
          return problemOf(r).then(end);
        }
        return readLines(r.body, (f) => {
          if (!closed) {
            to.frame(f);
          }
        }).then(() => end(unreachable()));
      })
      .catch(() => end(unreachable()));
    return () => {
      closed = true;
      abort.abort();
    };
  },
};

function readLines(body: ReadableStream<Uint8Array>, each: (f: Frame) => void): Promise<void> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  const lines = new Lines();
  const pump = (): Promise<void> =>
    reader.read().then((part) => {
      if (part.done) {
        return;
      }
      for (const line of lines.push(decoder.decode(part.value, { stream: true }))) {
        const f = parseFrame(line);
        if (f) {
          each(f);
        }
      }
      return pump();
    });
  return pump();
}

/**
 * Server-sent events, for engines that cannot stream a fetch: old TV sets. The
 * browser's own reconnecting is not used, because it knows no positions by
 * topic and no backoff; and since an EventSource hides why it failed, the
 * session is asked.
 */
export const sse: Wire = {
  name: "sse",
  open(url, _token, to) {
    let closed = false;
    const source = new EventSource(url);
    source.onmessage = (e) => {
      const f = parseFrame(String(e.data));
      if (f && !closed) {
        to.frame(f);
      }
    };
    source.onerror = () => {
      source.close();
      if (closed) {
        return;
      }
      closed = true;
      whyRefused().then((why) => to.end(why));
    };
    return () => {
      closed = true;
      source.close();
    };
  },
};

/**
 * Asks who the hub takes this page for: a feed is refused to those it does not
 * know (any more), and everything else passes.
 */
function whyRefused(): Promise<Problem> {
  return fetch("/v1/session", { credentials: "same-origin", cache: "no-store" }).then(
    (r) => (r.status === 401 || r.status === 403 ? problemOf(r) : unreachable()),
    () => unreachable(),
  );
}

/** The best wire this engine has. */
export function bestWire(): Wire {
  const streams =
    typeof AbortController === "function" &&
    typeof ReadableStream === "function" &&
    typeof TextDecoder === "function" &&
    typeof Response === "function" &&
    "body" in Response.prototype;
  return streams ? ndjson : sse;
}
