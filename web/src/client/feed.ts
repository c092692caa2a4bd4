import { Backoff } from "./backoff";
import { realEnv, type Env } from "./env";
import type { Frame } from "./frame";
import { Problem } from "./problem";
import { paceMs, type Pace, type Status } from "./status";
import { Intake, Topics } from "./topics";
import type { Line, Opener } from "./wire";

export interface FeedConfig {
  topics: string[];
  pace: Pace;
  wire: Opener;
  /** Called with the topics whose committed entries changed. */
  onChange(topics: string[]): void;
  /** Called when the status changed in a way other than by time passing. */
  onStatus(s: Status): void;
  /** Fetches a ticket, for wires and hubs that get no cookie; absent when the topics are public. */
  ticket?(): Promise<string>;
  env?: Env;
}

/** The longest wait between tries; on a local network the hub is near. */
const mostWaitMs = 5000;
/** A feed without a frame for this many paces is dead, whatever TCP thinks. */
const stallPaces = 2.5;
/** What opening may take before it counts as a stall. */
const openMs = 8000;
/** Live for this long, the next loss is a new one and is tried at once. */
const settledMs = 10000;

interface Connection {
  base: string;
  intake: Intake;
  line: Line;
  pace: Pace;
  live: boolean;
  lastHeard: number;
  /** When to replace it although it works; 0 for not. */
  renewAt: number;
}

/**
 * One subscription to several topics, kept alive: it resumes by positions,
 * notices silence, backs off, and changes hubs before it leaves one.
 */
export class Feed {
  readonly topics: Topics;
  private current?: Connection;
  private next?: Connection;
  private running = false;
  private liveSince = 0;
  private status: Status = { state: "connecting", lastFrame: 0, hubTime: 0, hubHeard: 0, wire: "", hub: "", pacedAt: 0 };
  private readonly env: Env;
  private readonly backoff: Backoff;
  private cancelRetry: () => void = () => {};
  private cancelWatch: () => void = () => {};

  constructor(private readonly config: FeedConfig) {
    this.env = config.env || realEnv;
    this.topics = new Topics(config.topics);
    this.backoff = new Backoff(250, mostWaitMs, () => this.env.random());
  }

  /** Opens the feed, also after it was refused or stopped. */
  start(): void {
    this.stop();
    this.running = true;
    this.backoff.reset();
    this.tell({ state: this.status.lastFrame ? "offline" : "connecting" });
    this.reopen();
    this.watch();
  }

  stop(): void {
    this.running = false;
    this.cancelRetry();
    this.cancelWatch();
    this.drop();
  }

  now(): Status {
    return this.status;
  }

  get pace(): Pace {
    return this.config.pace;
  }

  /** Changes the pace of the heartbeat: by a word where the wire has one, else by a new connection before the old goes. */
  setPace(pace: Pace): void {
    if (pace !== this.config.pace) {
      this.config.pace = pace;
      this.keepPace();
    }
  }

  private keepPace(): void {
    const c = this.current;
    if (!this.running || !c || !c.live || c.pace === this.config.pace) {
      return;
    }
    if (this.silent(c)) {
      this.wake(); // nobody may be there to hear a word
    } else if (c.line.pace(this.config.pace)) {
      c.pace = this.config.pace;
      c.lastHeard = this.env.now();
      this.tell({ pacedAt: c.lastHeard });
    } else {
      this.move(c.base);
    }
  }

  /** Something says the network may be back: do not wait for the backoff. */
  wake(): void {
    if (!this.running) {
      return;
    }
    const c = this.current;
    if (!c || this.silent(c)) {
      this.backoff.reset();
      this.reopen();
    }
  }

  private reopen(): void {
    this.cancelRetry();
    this.drop();
    // Other hubs come and go; this page's own is the one to come back to.
    this.current = this.connect("");
  }

  private connect(base: string): Connection {
    const { pace, ticket, wire } = this.config;
    const now = this.env.now();
    const c: Connection = { base, intake: new Intake(this.topics), line: noLine, pace, live: false, lastHeard: now, renewAt: 0 };
    c.line = wire.open(
      { hub: base, topics: this.topics.positions(), pace, ticket },
      {
        frame: (f) => this.hear(c, f),
        stir: () => (c.lastHeard = this.env.now()),
        renew: () => this.renew(c),
        end: (why) => this.ended(c, why),
      },
    );
    return c;
  }

  private drop(): void {
    for (const c of [this.current, this.next]) {
      if (c) {
        c.line.close(this.silent(c));
      }
    }
    this.current = this.next = undefined;
  }

  /** Replaces a connection that works; again after a while if that fails. */
  private renew(c: Connection): void {
    c.renewAt = this.env.now() + mostWaitMs;
    if (c === this.current) {
      this.move(c.base);
    }
  }

  private hear(c: Connection, f: Frame): void {
    if (c !== this.current && c !== this.next) {
      return;
    }
    const now = this.env.now();
    c.lastHeard = now;
    const changed = c.intake.take(f);
    const say: Partial<Status> = { lastFrame: now };
    if (f.now) {
      say.hubTime = Date.parse(f.now) || 0;
      say.hubHeard = now;
    }
    if (f.live) {
      c.live = true;
      if (c === this.next) {
        this.promote();
      }
      this.liveSince = this.liveSince || now;
      say.state = "live";
      say.wire = c.line.wire;
      say.hub = c.base;
      say.stale = say.problem = undefined;
    }
    if (f.stale && c === this.current) {
      say.state = "stale";
      say.stale = f.stale;
      say.wire = c.line.wire;
      say.hub = c.base;
    }
    if (this.liveSince && now - this.liveSince > settledMs) {
      this.backoff.reset();
    }
    this.tell(say);
    if (changed.length > 0) {
      this.config.onChange(changed);
    }
    if (f.goaway && c === this.current) {
      this.leave(f.goaway.to || []);
    }
    if (f.live) {
      this.keepPace(); // it may have changed while this was opening
    }
    if (f.error) {
      c.line.close();
      this.ended(c, Problem.of(f.error));
    }
  }

  /** The hub drains: follow another one before leaving this one, if there is one. */
  private leave(to: string[]): void {
    if (to.length > 0 && this.config.wire.abroad) {
      this.move(to[Math.floor(this.env.random() * to.length)]);
    } // else the end of this connection is tried again like any other
  }

  private move(base: string): void {
    if (this.running && !this.next) {
      this.next = this.connect(base);
    }
  }

  private promote(): void {
    const next = this.next;
    if (this.current) {
      this.current.line.close();
    }
    this.current = next;
    this.next = undefined;
  }

  private ended(c: Connection, why: Problem): void {
    if (c === this.next) {
      this.next = undefined;
      return;
    }
    if (c !== this.current || !this.running) {
      return;
    }
    if (this.next) {
      this.promote(); // it is on its way already
    } else {
      this.current = undefined;
    }
    if (why.code === "bad_cursor") {
      this.topics.forgetPositions();
    } else if (refuses(why)) {
      this.stop();
      this.tell({ state: "refused", problem: why });
      return;
    }
    if (this.current) {
      return;
    }
    this.liveSince = 0;
    this.tell({ state: this.status.lastFrame ? "offline" : "connecting", problem: why });
    this.cancelRetry();
    this.cancelRetry = this.env.later(Math.max(this.backoff.next(), why.retryAfterMs), () => this.reopen());
  }

  /** Whether nothing came for longer than a connection is silent for. */
  private silent(c: Connection): boolean {
    const pace = paceMs[c.pace] * stallPaces;
    return this.env.now() - c.lastHeard > (c.live ? pace : Math.max(pace, openMs));
  }

  /** The stall watchdog. */
  private watch(): void {
    this.cancelWatch = this.env.later(500, () => {
      const next = this.next;
      if (next && this.silent(next)) {
        next.line.close(true);
        this.next = undefined;
      }
      const c = this.current;
      if (c && this.silent(c)) {
        c.line.close(true);
        this.ended(c, new Problem("stalled", "The hub has fallen silent."));
      } else if (c && c.renewAt && this.env.now() >= c.renewAt) {
        this.renew(c);
      }
      if (this.running) {
        this.watch();
      }
    });
  }

  private tell(change: Partial<Status>): void {
    const old = this.status;
    this.status = { ...old, ...change };
    const s = this.status;
    if (s.state !== old.state || s.stale !== old.stale || s.problem !== old.problem || s.wire !== old.wire || s.hub !== old.hub) {
      this.config.onStatus(this.status);
    }
  }
}

/** Stands in until the wire has been asked; nothing is called on it. */
const noLine: Line = { wire: "", pace: () => false, close: () => {} };

/** Whether trying again without a new caller is pointless. */
function refuses(why: Problem): boolean {
  return why.signIn || why.code === "forbidden" || why.status === 403 || why.code === "unknown_topic";
}
