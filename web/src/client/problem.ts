import type { Frame } from "./frame";

/**
 * A failure that the hub explained, or "unreachable" when it did not answer.
 * The message is a sentence for people; code on the other hand is what
 * programs branch on.
 */
export class Problem extends Error {
  constructor(
    readonly code: string,
    detail: string,
    readonly status = 0,
    readonly field = "",
    readonly retryAfterMs = 0,
  ) {
    super(detail);
    this.name = "Problem";
  }

  /** The reason a feed gave for its end. */
  static of(e: NonNullable<Frame["error"]>): Problem {
    return new Problem(e.code, e.detail, 0, e.field || "", e.retry_after_ms || 0);
  }

  /** Whether the hub itself said so, and would on every other wire as well. */
  get final(): boolean {
    return ["unreachable", "stalled", "not_acceptable"].indexOf(this.code) < 0 && this.code.indexOf("status_") !== 0;
  }

  /** Whether the same request may succeed later without a change. */
  get passing(): boolean {
    return this.code === "unreachable" || passing.indexOf(this.status) >= 0;
  }

  /** Whether the caller has to sign in (again) first. */
  get signIn(): boolean {
    return this.status === 401 || this.code === "token_expired" || this.code === "unauthenticated" || this.code === "bad_token";
  }
}

const passing = [408, 425, 429, 502, 503, 504];

export function unreachable(): Problem {
  return new Problem("unreachable", "The café’s hub does not answer. What you did is kept; try again in a moment.");
}

/** What was thrown, as a Problem: most of what engines throw says nothing to anybody. */
export function asProblem(e: unknown): Problem {
  return e instanceof Problem ? e : unreachable();
}

/** What Response has that a problem is read from. */
export interface Answerish {
  status: number;
  headers: { get(name: string): string | null };
  text(): Promise<string>;
}

/** Reads an application/problem+json answer, or makes the best of another. */
export function problemOf(r: Answerish): Promise<Problem> {
  const after = Number(r.headers.get("Retry-After") || 0) * 1000 || 0;
  return r.text().then(
    (text) => {
      let p: { code?: string; detail?: string; title?: string; field?: string } = {};
      try {
        p = JSON.parse(text) || {};
      } catch (e) {
        // A proxy's page; the status says enough.
      }
      const detail = p.detail || p.title || "The hub answered with status " + r.status + ".";
      return new Problem(p.code || "status_" + r.status, detail, r.status, p.field || "", after);
    },
    () => new Problem("status_" + r.status, "The hub answered with status " + r.status + ".", r.status, "", after),
  );
}
