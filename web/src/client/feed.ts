import { Backoff } from "./backoff";
import { Connection } from "./connection";
import { realEnv, type Env } from "./env";
import type { Frame } from "./frame";
import { Problem } from "./problem";
import { Proof } from "./proof";
import type { Signs } from "./signs";
import type { Pace, Status } from "./status";
import { Topics } from "./topics";
import { Watchdog } from "./watchdog";
import type { Opener } from "./wire";

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
  /** What tells of the page and the network while the feed runs. */
  signs?: Signs;
  env?: Env;
}

/** The longest wait between tries; on a local network the hub is near. */
const mostWaitMs = 5000;
/** Live for this long, the next loss is a new one and is tried at once. */
const settledMs = 10000;

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
  private readonly watchdog: Watchdog;
  private readonly proof: Proof;
  private cancelRetry: () => void = () => {};
  private deaf: () => void = () => {};

  constructor(private readonly config: FeedConfig) {
    this.env = config.env || realEnv;
    this.topics = new Topics(config.topics);
    this.backoff = new Backoff(250, mostWaitMs, () => this.env.random());
    this.watchdog = new Watchdog(this.env, (slept) => this.look(slept));
    this.proof = new Proof(this.env, () => this.tell({ doubt: "unanswered" }));
  }

  /** Opens the feed, also after it was refused or stopped. */
  start(): void {
    this.stop();
    this.running = true;
    this.backoff.reset();
    this.tell({ state: this.status.lastFrame ? "offline" : "connecting", doubt: undefined });
    this.reopen();
    this.watchdog.start();
    if (this.config.signs) {
      this.deaf = this.config.signs({ check: () => this.check(), offline: () => this.offline() });
    }
  }

  stop(): void {
    this.running = false;
    this.cancelRetry();
    this.watchdog.stop();
    this.proof.cancel();
    this.deaf();
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
    if (c.silent(this.env.now())) {
      return; // nobody may be there to hear a word, and the watchdog sees to that
    }
    if (c.line.pace(this.config.pace)) {
      c.pace = this.config.pace;
      c.lastHeard = this.env.now();
      this.tell({ pacedAt: c.lastHeard });
    } else {
      this.move(c.base);
    }
  }

  /**
   * Something says that the network may be another, or that this page slept: do
   * not wait for silence to prove it, or for a backoff. What there is goes on
   * until a connection that was opened after this is live.
   */
  check(): void {
    if (!this.running) {
      return;
    }
    this.backoff.reset();
    const c = this.current;
    if (!c) {
      this.reopen(this.env.now());
      return;
    }
    const base = (this.next || c).base;
    this.dropNext();
    c.line.kick();
    this.next = this.connect(base, this.proof.await());
    if (this.status.doubt) {
      this.tell({ doubt: "unanswered" });
    }
  }

  /** The browser says that there is no network. */
  offline(): void {
    if (this.running) {
      this.proof.doubt();
      this.tell({ doubt: "offline" });
    }
  }

  private reopen(since?: number): void {
    this.cancelRetry();
    this.drop();
    // Other hubs come and go; this page's own is the one to come back to.
    this.current = this.connect("", since);
  }

  private connect(base: string, since?: number): Connection {
    const { pace, ticket, wire } = this.config;
    const c = new Connection(base, pace, this.topics, this.env.now());
    c.line = wire.open(
      { hub: base, topics: this.topics.positions(), pace, ticket, since },
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
    if (this.current) {
      this.current.line.close(this.current.silent(this.env.now()));
    }
    this.current = undefined;
    this.dropNext();
  }

  private dropNext(): void {
    if (this.next) {
      this.next.line.close(this.next.silent(this.env.now()));
    }
    this.next = undefined;
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
    if (f.live) {
      c.live = true;
      this.liveSince = this.liveSince || now;
      if (c === this.next) {
        this.promote();
      }
    }
    if (this.liveSince && now - this.liveSince > settledMs) {
      this.backoff.reset();
    }
    if (c === this.current) {
      this.tell({ ...c.says(f, now), ...(this.proof.take(c.since) ? { doubt: undefined } : {}) }, f.live);
    }
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
    this.proof.cancel();
    this.tell({ state: this.status.lastFrame ? "offline" : "connecting", problem: why });
    this.cancelRetry();
    this.cancelRetry = this.env.later(Math.max(this.backoff.next(), why.retryAfterMs), () => this.reopen());
  }

  /** Looks for silence. To a page that slept it tells nothing: what came meanwhile may be waiting to be heard. */
  private look(slept: boolean): void {
    const now = this.env.now();
    if (this.next && this.next.silent(now)) {
      this.dropNext();
    }
    const c = this.current;
    if (c && c.silent(now)) {
      if (slept) {
        this.check();
        return;
      }
      c.line.close(true);
      this.ended(c, new Problem("stalled", "The hub has fallen silent."));
    } else if (c && c.renewAt && now >= c.renewAt) {
      this.renew(c);
    }
  }

  /** Having caught up is news even where all is as before: the page may have gone by the clock. */
  private tell(change: Partial<Status>, caughtUp?: boolean): void {
    const old = this.status;
    this.status = { ...old, ...change };
    const s = this.status;
    if (caughtUp || told.some((k) => s[k] !== old[k])) {
      this.config.onStatus(this.status);
    }
  }
}

/** What of a status does not change by time passing. */
const told: (keyof Status)[] = ["state", "stale", "doubt", "problem", "wire", "hub"];

/** Whether trying again without a new caller is pointless. */
function refuses(why: Problem): boolean {
  return why.signIn || why.code === "forbidden" || why.status === 403 || why.code === "unknown_topic";
}
