import { Backoff } from "./backoff";
import type { Frame } from "./frame";
import { Problem } from "./problem";
import { Intake, Topics } from "./topics";
import type { Wire } from "./wire";

/** How often an idle feed says that it is alive. */
export type Pace = "attentive" | "idle";

export const paceMs: { [p in Pace]: number } = { attentive: 1000, idle: 20000 };

/**
 * connecting: nothing was ever live here. live: what is shown is true. stale:
 * the hub answers but says that what it has may be old. offline: the hub does
 * not answer; it is tried again. refused: it answered that this caller may not;
 * nothing is tried until start is called again.
 */
export type State = "connecting" | "live" | "stale" | "offline" | "refused";

export interface Status {
  state: State;
  /** When the last frame came, by Env.now; 0 for never. */
  lastFrame: number;
  /** The hub's clock when it last told it, in ms since 1970; 0 for never. */
  hubTime: number;
  /** When that was, by Env.now. */
  hubHeard: number;
  /** Why the hub calls it stale, and since when by its clock. */
  stale?: { since: string; why: string };
  problem?: Problem;
}

/** What time and chance are to a feed; tests bring their own. */
export interface Env {
  now(): number;
  random(): number;
  later(ms: number, fn: () => void): () => void;
}

export const realEnv: Env = {
  now: () => Date.now(),
  random: Math.random,
  later(ms, fn) {
    const t = setTimeout(fn, ms);
    return () => clearTimeout(t);
  },
};

export interface FeedConfig {
  topics: string[];
  pace: Pace;
  wire: Wire;
  /** Called with the topics whose committed entries changed. */
  onChange(topics: string[]): void;
  /** Called when the status changed in a way other than by time passing. */
  onStatus(s: Status): void;
  /** Gives a ticket for another hub's feed; empty when the topics are public. */
  ticket?(): Promise<string>;
  /** The path of the feed. Default "/v1/feed". */
  path?: string;
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
  close(): void;
  live: boolean;
  lastHeard: number;
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
  private status: Status = { state: "connecting", lastFrame: 0, hubTime: 0, hubHeard: 0 };
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

  /** Changes the pace of the heartbeat, by a new connection before the old goes. */
  setPace(pace: Pace): void {
    if (pace === this.config.pace) {
      return;
    }
    this.config.pace = pace;
    if (this.running && this.current && this.current.live) {
      this.move(this.current.base, "");
    }
  }

  /** Something says the network may be back: do not wait for the backoff. */
  wake(): void {
    if (!this.running) {
      return;
    }
    const c = this.current;
    if (!c || this.env.now() - c.lastHeard > this.patience(c)) {
      this.backoff.reset();
      this.reopen();
    }
  }

  private url(base: string): string {
    return (
      base +
      (this.config.path || "/v1/feed") +
      "?topics=" +
      this.topics.positions().split(",").map(encodeURIComponent).join(",") +
      "&pace=" +
      this.config.pace
    );
  }

  private reopen(): void {
    this.cancelRetry();
    this.drop();
    // Other hubs come and go; this page's own is the one to come back to.
    this.current = this.connect("", "");
  }

  private connect(base: string, token: string): Connection {
    const c: Connection = { base, intake: new Intake(this.topics), close: () => {}, live: false, lastHeard: this.env.now() };
    c.close = this.config.wire.open(this.url(base), token, {
      frame: (f) => this.hear(c, f),
      end: (why) => this.ended(c, why),
    });
    return c;
  }

  private drop(): void {
    if (this.current) {
      this.current.close();
    }
    if (this.next) {
      this.next.close();
    }
    this.current = this.next = undefined;
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
      say.stale = say.problem = undefined;
    }
    if (f.stale && c === this.current) {
      say.state = "stale";
      say.stale = f.stale;
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
    if (f.error) {
      c.close();
      this.ended(c, new Problem(f.error.code, f.error.detail));
    }
  }

  /** The hub drains: follow another one before leaving this one, if there is one. */
  private leave(to: string[]): void {
    if (to.length === 0 || this.next || this.config.wire.name !== "ndjson") {
      return; // the end of this connection is tried again like any other
    }
    const base = to[Math.floor(this.env.random() * to.length)];
    if (!this.config.ticket) {
      this.move(base, "");
      return;
    }
    this.config.ticket().then(
      (token) => this.move(base, token),
      () => {},
    );
  }

  private move(base: string, token: string): void {
    if (this.running && !this.next) {
      this.next = this.connect(base, token);
    }
  }

  private promote(): void {
    const next = this.next;
    if (this.current) {
      this.current.close();
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

  /** How long silence is normal on a connection. */
  private patience(c: Connection): number {
    const pace = paceMs[this.config.pace] * stallPaces;
    return c.live ? pace : Math.max(pace, openMs);
  }

  /** The stall watchdog. */
  private watch(): void {
    this.cancelWatch = this.env.later(500, () => {
      const now = this.env.now();
      const next = this.next;
      if (next && now - next.lastHeard > this.patience(next)) {
        next.close();
        this.next = undefined;
      }
      const c = this.current;
      if (c && now - c.lastHeard > this.patience(c)) {
        c.close();
        this.ended(c, new Problem("stalled", "The hub has fallen silent."));
      }
      if (this.running) {
        this.watch();
      }
    });
  }

  private tell(change: Partial<Status>): void {
    const old = this.status;
    this.status = { ...old, ...change };
    if (this.status.state !== old.state || this.status.stale !== old.stale || this.status.problem !== old.problem) {
      this.config.onStatus(this.status);
    }
  }
}

/** Whether trying again without a new caller is pointless. */
function refuses(why: Problem): boolean {
  return why.signIn || why.code === "forbidden" || why.status === 403 || why.code === "unknown_topic";
}
