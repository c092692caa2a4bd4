import { Backoff } from "./backoff";
import { Problem, problemOf, unreachable, type Answerish } from "./problem";

/** What commands need of a browser; tests bring their own. */
export interface CommandEnv {
  fetch(url: string, init: { method: string; headers: { [name: string]: string }; body?: string }): Promise<Answerish>;
  storage: { getItem(k: string): string | null; setItem(k: string, v: string): void; removeItem(k: string): void };
  key(): string;
  now(): number;
  sleep(ms: number): Promise<void>;
  random(): number;
}

/** A command that has not been answered yet. */
export interface Pending {
  slot: string;
  key: string;
  method: string;
  path: string;
  body?: unknown;
  /** When it was first sent, in ms since 1970. */
  at: number;
}

/** How long send tries before it gives the word back to a person. */
const patienceMs = 12000;
const store = "everything.pending";

/**
 * Gives commands so that each is done once: a command keeps its
 * Idempotency-Key until it is answered, through presses, retries and reloads.
 * A slot names the intention, like "order" or "orders/7/accept"; there is one
 * command in a slot at a time.
 */
export class Commands {
  /** The newest position an answer carried, for queries that must see it. */
  cursor = "";
  private flying: { [slot: string]: Promise<unknown> | undefined } = {};

  constructor(private readonly env: CommandEnv = browserEnv()) {}

  /**
   * Sends a command until it is answered or patience ends. A second send to a
   * slot in flight joins the first. Rejects with a Problem; when its code is
   * "unreachable" the command stays pending and may be resumed.
   */
  send<T>(slot: string, method: string, path: string, body?: unknown): Promise<T> {
    if (this.flying[slot]) {
      return this.flying[slot] as Promise<T>;
    }
    const old = this.pending(slot);
    const same = old && old.method === method && old.path === path && JSON.stringify(old.body) === JSON.stringify(body);
    const p: Pending = same && old ? old : { slot, key: this.env.key(), method, path, body, at: this.env.now() };
    return this.fly<T>(p);
  }

  /** Sends what an earlier page left unanswered in a slot. */
  resume<T>(slot: string): Promise<T> | undefined {
    const p = this.pending(slot);
    return p && ((this.flying[slot] as Promise<T>) || this.fly<T>(p));
  }

  /** What is unanswered in a slot. */
  pending(slot: string): Pending | undefined {
    return this.load()[slot];
  }

  /** Gives up on what is unanswered in a slot. It may have been done. */
  forget(slot: string): void {
    const all = this.load();
    delete all[slot];
    this.save(all);
  }

  /** Asks a question that sees every command answered here. */
  get<T>(path: string): Promise<T> {
    const headers: { [name: string]: string } = { Accept: "application/json" };
    if (this.cursor) {
      headers["Hub-Cursor"] = this.cursor;
    }
    return this.ask<T>("GET", path, headers);
  }

  /** Asks once for what is no command and must not be kept, like a session. */
  once<T>(method: string, path: string, body?: unknown): Promise<T> {
    return this.ask<T>(method, path, { Accept: "application/json" }, body);
  }

  private fly<T>(p: Pending): Promise<T> {
    const all = this.load();
    all[p.slot] = p;
    this.save(all);
    const done = (): void => {
      delete this.flying[p.slot];
    };
    const flight = this.tryUntil<T>(p, this.env.now() + patienceMs, new Backoff(300, 3000, () => this.env.random())).then(
      (v) => {
        done();
        this.forget(p.slot);
        return v;
      },
      (e: Problem) => {
        done();
        if (!e.passing) {
          this.forget(p.slot);
        }
        throw e;
      },
    );
    this.flying[p.slot] = flight;
    return flight;
  }

  private tryUntil<T>(p: Pending, end: number, backoff: Backoff): Promise<T> {
    const headers: { [name: string]: string } = { "Idempotency-Key": p.key, Accept: "application/json" };
    return this.ask<T>(p.method, p.path, headers, p.body).catch((e: Problem) => {
      const wait = Math.max(backoff.next(), e.retryAfterMs);
      if (!e.passing || this.env.now() + wait > end) {
        throw e;
      }
      return this.env.sleep(wait).then(() => this.tryUntil<T>(p, end, backoff));
    });
  }

  private ask<T>(method: string, path: string, headers: { [name: string]: string }, body?: unknown): Promise<T> {
    const init: { method: string; headers: { [name: string]: string }; body?: string } = { method, headers };
    if (body !== undefined) {
      headers["Content-Type"] = "application/json";
      init.body = JSON.stringify(body);
    }
    return this.env.fetch(path, init).then(
      (r) => {
        if (r.status < 200 || r.status > 299) {
          return problemOf(r).then((e) => {
            throw e;
          });
        }
        this.cursor = r.headers.get("Hub-Cursor") || this.cursor;
        return r.text().then(
          (text) => (text ? JSON.parse(text) : undefined) as T,
          () => {
            throw unreachable(); // cut off within the answer: ask again
          },
        );
      },
      () => {
        throw unreachable();
      },
    );
  }

  private load(): { [slot: string]: Pending } {
    try {
      return JSON.parse(this.env.storage.getItem(store) || "{}") || {};
    } catch (e) {
      return {};
    }
  }

  private save(all: { [slot: string]: Pending }): void {
    try {
      if (Object.keys(all).length === 0) {
        this.env.storage.removeItem(store);
      } else {
        this.env.storage.setItem(store, JSON.stringify(all));
      }
    } catch (e) {
      // Storage is full or forbidden: keys then last as long as the page.
    }
  }
}

/** Sleeps and asks as browsers do. */
export function browserEnv(): CommandEnv {
  return {
    fetch: (url, init) => fetch(url, { ...init, credentials: "same-origin", cache: "no-store" }),
    storage: sessionStore(),
    key: randomKey,
    now: () => Date.now(),
    sleep: (ms) => new Promise((done) => setTimeout(done, ms)),
    random: Math.random,
  };
}

/** sessionStorage, or a page-long stand-in where it is forbidden. */
function sessionStore(): CommandEnv["storage"] {
  try {
    sessionStorage.getItem(store);
    return sessionStorage;
  } catch (e) {
    const kept: { [k: string]: string } = {};
    return {
      getItem: (k) => (k in kept ? kept[k] : null),
      setItem: (k, v) => {
        kept[k] = v;
      },
      removeItem: (k) => {
        delete kept[k];
      },
    };
  }
}

/** 128 random bits, where crypto.randomUUID may be missing. */
function randomKey(): string {
  const b = new Uint8Array(16);
  crypto.getRandomValues(b);
  let s = "";
  for (let i = 0; i < b.length; i++) {
    s += (b[i] + 256).toString(16).slice(1);
  }
  return s;
}
