/** One message of a feed; docs/protocol.md says what each means. */
export interface Frame {
  topic?: string;
  reset?: boolean;
  key?: string;
  seq?: number;
  value?: unknown;
  cursor?: string;
  live?: boolean;
  ping?: boolean;
  now?: string;
  stale?: { since: string; why: string };
  goaway?: { within_ms: number; to: string[] };
  error?: { code: string; detail: string; field?: string; retry_after_ms?: number };
}

/** Reads one frame; null for what is no JSON object, which a feed never sends. */
export function parseFrame(line: string): Frame | null {
  try {
    const v: unknown = JSON.parse(line);
    return typeof v === "object" && v !== null ? (v as Frame) : null;
  } catch (e) {
    return null;
  }
}

/**
 * Cuts a stream of text into lines. A line over the limit ends the stream: the
 * hub never sends one, so it is not the hub that is talking.
 */
export class Lines {
  private rest = "";

  constructor(private readonly most = 1 << 20) {}

  push(text: string): string[] {
    const parts = (this.rest + text).split("\n");
    this.rest = parts.pop() || "";
    if (this.rest.length > this.most) {
      throw new Error("a line of the feed is too long");
    }
    return parts.filter((p) => p.trim() !== "");
  }
}
