import { preference, type Family } from "./engine";
import type { Env } from "./env";
import type { Frame } from "./frame";
import type { Hubs } from "./hubs";
import type { Memory } from "./memory";
import { Problem, unreachable } from "./problem";
import type { Pace } from "./status";
import type { Ask, Line, Listener, Opener, Wire, WireName } from "./wire";

/** How long a wire has to be live before the next best is started beside it. */
const headStartMs: { [w in WireName]: number } = { wt: 400, ws: 300, sse: 300, ndjson: 300 };
/** One that came first the last time is worth waiting for a little. */
const rememberedStartMs = 800;
/** When it is doubtful that the hub is heard, nothing is worth more of a wait. */
const doubtStartMs = 150;
/** How long the first to be live is remembered; then better ones are tried again. */
export const rememberMs = 60 * 60000;
/** A better wire that is live this soon after is taken the next time. */
const graceMs = 2000;

export interface ChoiceConfig {
  /** What this engine has. */
  wires: Wire[];
  family: Family;
  hubs: Hubs;
  memory: Memory;
  env: Env;
}

/**
 * Reaches a hub by the best wire that works: they are started one after the
 * other, each with a head start, and the first to be live is taken.
 */
export class Choice implements Opener {
  readonly abroad: boolean;

  constructor(readonly config: ChoiceConfig) {
    this.abroad = config.wires.some((w) => w.abroad);
  }

  open(ask: Ask, to: Listener): Line {
    const race = new Race(this, ask, to, this.ranking(ask.hub));
    race.start();
    this.config.hubs.refresh(ask.hub);
    return race;
  }

  /** The wires to try for a hub, the best first; those that policy forbids only if nothing else is left. */
  private ranking(hub: string): Wire[] {
    const can = this.config.wires.filter((w) => w.abroad || !hub);
    const byName = (n: WireName): Wire | undefined => can.filter((w) => w.name === n)[0];
    const ranked = preference(this.config.family, this.config.hubs.known(hub)).map(byName).filter((w) => w) as Wire[];
    return ranked.length ? ranked : can;
  }

  /** The wire that came first before, while that counts. */
  remembered(hub: string): WireName | undefined {
    const m = this.config.memory.of(hub);
    return (m.wireUntil || 0) > this.config.env.now() ? m.wire : undefined;
  }

  remember(hub: string, wire: WireName): void {
    this.config.memory.put(hub, { wire, wireUntil: this.config.env.now() + rememberMs });
  }

  forget(hub: string, wire: WireName): void {
    if (this.config.memory.of(hub).wire === wire) {
      this.config.memory.put(hub, { wire: undefined, wireUntil: 0 });
    }
  }
}

/** One way to run: by a wire, and asking this. */
interface Start {
  wire: Wire;
  ask: Ask;
}

/** One wire in a race. */
interface Runner extends Start {
  line: Line;
  /** What came before it was live. */
  frames: Frame[];
  /** Whether it asked to be replaced before it was taken. */
  worn?: boolean;
}

/** One line, by whichever wire is live first. */
class Race implements Line {
  private readonly waiting: Start[];
  private readonly favourite?: WireName;
  private runners: Runner[] = [];
  private winner?: Runner;
  private over = false;
  private why: Problem = unreachable();
  private cancelNext: () => void = () => {};
  private cancelGrace: () => void = () => {};
  private cancelRenew: () => void = () => {};

  constructor(
    private readonly choice: Choice,
    private readonly ask: Ask,
    private readonly to: Listener,
    private readonly ranking: Wire[],
  ) {
    const favourite = choice.remembered(ask.hub);
    const first = ranking.filter((w) => w.name === favourite);
    this.favourite = first.length ? favourite : undefined;
    this.waiting = this.starts(first.concat(ranking.filter((w) => w.name !== favourite)));
  }

  /** In doubt, what there is already is tried first: if it works it is the fastest. */
  private starts(wires: Wire[]): Start[] {
    const { ask } = this;
    const shared = wires.filter((w) => ask.since && w.shares && w.shares(ask.hub, ask.since));
    const asIs: Ask = { ...ask, since: undefined };
    return [...shared.map((wire) => ({ wire, ask: asIs })), ...wires.map((wire) => ({ wire, ask }))];
  }

  get wire(): WireName | "" {
    return this.winner ? this.winner.wire.name : "";
  }

  /** Starts the best that has not run yet. */
  start(): void {
    this.cancelNext();
    const next = this.waiting.shift();
    if (!next) {
      return;
    }
    const { wire, ask } = next;
    const r: Runner = { wire, ask, frames: [], line: undefined as unknown as Line };
    this.runners.push(r);
    r.line = wire.open(ask, {
      frame: (f) => this.frame(r, f),
      stir: () => this.to.stir(),
      renew: () => (r === this.winner ? this.to.renew() : (r.worn = true)),
      end: (why) => this.ended(r, why),
    });
    const head = wire.name === this.favourite ? rememberedStartMs : headStartMs[wire.name];
    this.cancelNext = this.choice.config.env.later(this.ask.since ? doubtStartMs : head, () => this.start());
  }

  private frame(r: Runner, f: Frame): void {
    if (r === this.winner) {
      this.to.frame(f);
      return;
    }
    const live = f.live || f.stale; // a hub that cannot vouch for its state is no faster elsewhere
    if (this.winner) {
      if (live) {
        this.late(r);
      }
      return;
    }
    if (f.error) {
      this.finish(Problem.of(f.error));
      return;
    }
    r.frames.push(f);
    if (live) {
      this.win(r);
    } else {
      this.to.stir();
    }
  }

  private win(r: Runner): void {
    this.winner = r;
    this.cancelNext();
    const rank = this.ranking.indexOf(r.wire);
    for (const other of this.runners.slice()) {
      if (other !== r && (other.wire === r.wire || this.ranking.indexOf(other.wire) > rank)) {
        this.leave(other);
      }
    }
    const { env, memory } = this.choice.config;
    this.cancelGrace = env.later(graceMs, () => this.runners.slice().forEach((o) => o !== r && this.leave(o)));
    if (r.wire.name !== this.favourite) {
      this.choice.remember(this.ask.hub, r.wire.name);
    }
    if (rank > 0) {
      const left = (memory.of(this.ask.hub).wireUntil || 0) - env.now();
      this.cancelRenew = env.later(left + env.random() * 0.1 * rememberMs, () => this.to.renew());
    }
    const frames = r.frames;
    r.frames = [];
    frames.forEach((f) => !this.over && this.to.frame(f));
    if (r.worn && !this.over) {
      this.to.renew();
    }
  }

  /** A better wire is live just after another was taken: it is for the next time. */
  private late(r: Runner): void {
    this.choice.remember(this.ask.hub, r.wire.name);
    const rank = this.ranking.indexOf(r.wire);
    this.runners.filter((o) => o !== this.winner && this.ranking.indexOf(o.wire) >= rank).forEach((o) => this.leave(o));
  }

  private leave(r: Runner, silent?: boolean): void {
    this.runners = this.runners.filter((o) => o !== r);
    r.line.close(silent);
  }

  private ended(r: Runner, why: Problem): void {
    this.runners = this.runners.filter((o) => o !== r);
    if (r === this.winner) {
      this.finish(why);
      return;
    }
    if (this.winner || this.over) {
      return;
    }
    if (why.final) {
      this.finish(why);
      return;
    }
    if (r.ask === this.ask) {
      this.choice.forget(this.ask.hub, r.wire.name);
    }
    this.why = why.retryAfterMs >= this.why.retryAfterMs ? why : this.why;
    if (this.waiting.length) {
      this.start();
    } else if (this.runners.length === 0) {
      this.finish(this.why);
    }
  }

  private finish(why: Problem): void {
    this.close();
    this.to.end(why);
  }

  pace(p: Pace): boolean {
    return !!this.winner && this.winner.line.pace(p);
  }

  kick(): void {
    if (this.winner) {
      this.winner.line.kick();
    }
  }

  close(silent?: boolean): void {
    this.over = true;
    this.cancelNext();
    this.cancelGrace();
    this.cancelRenew();
    if (silent && this.winner) {
      this.choice.forget(this.ask.hub, this.winner.wire.name);
    }
    this.runners.slice().forEach((r) => this.leave(r, silent));
  }
}
