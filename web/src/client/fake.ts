// Stand-ins for time, chance and the network, for tests.
import type { Env } from "./feed";
import type { Frame } from "./frame";
import type { Problem } from "./problem";
import type { Listener, Wire } from "./wire";

/** A clock that moves when told to, and runs what falls due on the way. */
export class FakeTime implements Env {
  private at = 1_000_000;
  private due: { at: number; fn: () => void }[] = [];
  chance = 0.5;

  now(): number {
    return this.at;
  }

  random(): number {
    return this.chance;
  }

  later(ms: number, fn: () => void): () => void {
    const t = { at: this.at + ms, fn };
    this.due.push(t);
    return () => {
      this.due = this.due.filter((d) => d !== t);
    };
  }

  pass(ms: number): void {
    const end = this.at + ms;
    for (;;) {
      const [t] = this.due.filter((d) => d.at <= end).sort((a, b) => a.at - b.at);
      if (!t) {
        break;
      }
      this.due = this.due.filter((d) => d !== t);
      this.at = Math.max(this.at, t.at);
      t.fn();
    }
    this.at = end;
  }
}

export interface Opened {
  url: string;
  token: string;
  closed: boolean;
  send(...frames: Frame[]): void;
  end(why: Problem): void;
}

/** A wire that remembers what was opened and lets the test be the hub. */
export class FakeWire implements Wire {
  readonly name = "ndjson";
  opened: Opened[] = [];

  open(url: string, token: string, to: Listener): () => void {
    const o: Opened = {
      url: decodeURIComponent(url),
      token,
      closed: false,
      send: (...frames) => {
        for (const f of frames) {
          if (!o.closed) {
            to.frame(f);
          }
        }
      },
      end: (why) => {
        if (!o.closed) {
          o.closed = true;
          to.end(why);
        }
      },
    };
    this.opened.push(o);
    return () => {
      o.closed = true;
    };
  }

  get last(): Opened {
    return this.opened[this.opened.length - 1];
  }
}
