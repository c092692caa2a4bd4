import { Lines, parseFrame, type Frame } from "./frame";
import { asProblem, problemOf, unreachable } from "./problem";
import { feedURL, ticketAbroad, type Wire } from "./wire";

/** Whether this engine can read a body while it comes, and stop. */
export function canStream(): boolean {
  return (
    typeof AbortController === "function" &&
    typeof ReadableStream === "function" &&
    typeof TextDecoder === "function" &&
    typeof Response === "function" &&
    "body" in Response.prototype
  );
}

/** NDJSON read by fetch. */
export const ndjson: Wire = {
  name: "ndjson",
  abroad: true,
  open(ask, to) {
    const abort = new AbortController();
    let closed = false;
    const read = async (): Promise<void> => {
      const token = await ticketAbroad(ask);
      const headers: Record<string, string> = { Accept: "application/x-ndjson" };
      if (token) {
        headers["Authorization"] = "Bearer " + token;
      }
      const r = await fetch(feedURL(ask), { headers, signal: abort.signal, cache: "no-store" });
      if (!r.ok || !r.body) {
        throw await problemOf(r);
      }
      await readFrames(r.body.getReader(), (f) => !closed && to.frame(f));
      throw unreachable();
    };
    read().catch((e) => {
      if (!closed) {
        closed = true;
        abort.abort();
        to.end(asProblem(e));
      }
    });
    return {
      wire: "ndjson",
      pace: () => false,
      kick: () => {},
      close: () => {
        closed = true;
        abort.abort();
      },
    };
  },
};

/** Reads frames, one a line, to the end; heard is told of every part that comes. */
export async function readFrames(reader: ReadableStreamDefaultReader<Uint8Array>, each: (f: Frame) => void, heard?: (bytes: number) => void): Promise<void> {
  const decoder = new TextDecoder();
  const lines = new Lines();
  for (;;) {
    const part = await reader.read();
    if (part.done) {
      return;
    }
    if (heard) {
      heard(part.value.length);
    }
    for (const line of lines.push(decoder.decode(part.value, { stream: true }))) {
      const f = parseFrame(line);
      if (f) {
        each(f);
      }
    }
  }
}
