// Stand-ins for time, chance and the network, for tests.
import type { Env } from "./env";
import type { Frame } from "./frame";
import type { Problem } from "./problem";
import type { Pace } from "./status";
import { feedURL, type Ask, type Line, type Listener, type Wire, type WireName } from "./wire";

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

  /** Passes without anything being run, as when a page is frozen; then what fell due is run late. */
  sleep(ms: number): void {
    this.at += ms;
    this.pass(0);
  }
}

export interface Opened {
  ask: Ask;
  /** The ask as an address, readable. */
  url: string;
  closed: boolean;
  /** Whether it was left because it had fallen silent. */
  silent: boolean;
  /** The paces it was asked for by a word. */
  paces: Pace[];
  /** How often it was kicked. */
  kicks: number;
  send(...frames: Frame[]): void;
  renew(): void;
  end(why: Problem): void;
}

/** A wire that remembers what was opened and lets the test be the hub. */
export class FakeWire implements Wire {
  opened: Opened[] = [];
  /** Whether it has a word for a change of pace. */
  words = false;
  /** Whether it has something that lines share. */
  shared = false;
  abroad = true;

  constructor(readonly name: WireName = "ndjson") {}

  open(ask: Ask, to: Listener): Line {
    const o: Opened = {
      ask,
      url: decodeURIComponent(feedURL(ask)),
      closed: false,
      silent: false,
      paces: [],
      kicks: 0,
      send: (...frames) => frames.forEach((f) => !o.closed && to.frame(f)),
      renew: () => to.renew(),
      end: (why) => {
        if (!o.closed) {
          o.closed = true;
          to.end(why);
        }
      },
    };
    this.opened.push(o);
    return {
      wire: this.name,
      pace: (p) => this.words && o.paces.push(p) > 0,
      kick: () => o.kicks++,
      close: (silent) => {
        o.closed = true;
        o.silent = o.silent || !!silent;
      },
    };
  }

  shares(): boolean {
    return this.shared;
  }

  get last(): Opened {
    return this.opened[this.opened.length - 1];
  }
}
