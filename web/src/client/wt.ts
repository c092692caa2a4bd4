import type { Manners } from "./engine";
import type { Env } from "./env";
import type { CertificateHash } from "./hubs";
import { readFrames } from "./ndjson";
import { asProblem, unreachable } from "./problem";
import { Session, type Rider } from "./session";
import type { Pace } from "./status";
import { feedPath, paceLine, pingLine, subscribeLine, type Ask, type Line, type Listener, type Wire } from "./wire";

/** What WebTransport needs to know of hubs. */
export interface Certificates {
  /** The hashes to accept a hub by; none when its certificate is a public one. */
  of(hub: string): Promise<CertificateHash[]>;
  /** A session failed: ask the hub again before the next. */
  doubt(hub: string): void;
}

export interface WTConfig {
  certificates: Certificates;
  manners: Manners;
  env: Env;
}

/**
 * WebTransport: one session a hub, shared by the feeds of this page, each on a
 * bidirectional stream of its own. No streams from the hub, and nothing read
 * from datagrams: browsers have limits for both. The session sends no cookie,
 * so private topics need a ticket.
 */
export class WT implements Wire {
  readonly name = "wt";
  readonly abroad = true;
  private readonly sessions: { [hub: string]: Session | undefined } = {};

  constructor(private readonly config: WTConfig) {}

  shares(hub: string, since: number): boolean {
    const s = this.sessions[hub];
    return !!s && s.since < since;
  }

  open(ask: Ask, to: Listener): Line {
    const old = this.sessions[ask.hub];
    if (old && ask.since && old.since < ask.since) {
      old.leave(false);
    }
    const s = this.sessions[ask.hub] || this.connect(ask.hub);
    const line = new Stream(s, ask, to);
    s.add(line);
    line.follow();
    return line;
  }

  private connect(hub: string): Session {
    const { certificates, manners, env } = this.config;
    const s: Session = new Session({
      url: (hub || location.origin) + feedPath,
      hashes: certificates.of(hub),
      manners,
      env,
      left: (failed) => {
        if (this.sessions[hub] === s) {
          this.sessions[hub] = undefined;
        }
        if (failed) {
          certificates.doubt(hub);
        }
      },
    });
    this.sessions[hub] = s;
    return s;
  }
}

/** One subscription: the subscribe line goes out, frames come back. */
class Stream implements Line, Rider {
  readonly wire = "wt";
  pacing: Pace;
  private writer?: WritableStreamDefaultWriter<Uint8Array>;
  private reader?: ReadableStreamDefaultReader<Uint8Array>;
  private closed = false;

  constructor(
    private readonly session: Session,
    private readonly ask: Ask,
    private readonly to: Listener,
  ) {
    this.pacing = ask.pace;
  }

  follow(): void {
    this.read()
      .catch(asProblem)
      .then((why) => {
        if (!this.closed) {
          this.close();
          this.to.end(why);
        }
      });
  }

  private async read(): Promise<ReturnType<typeof unreachable>> {
    const { session, ask } = this;
    const [transport, token] = await Promise.all([session.ready, ask.ticket ? ask.ticket() : ""]);
    if (this.closed) {
      return unreachable();
    }
    const stream = await transport.createBidirectionalStream();
    this.reader = stream.readable.getReader();
    this.writer = stream.writable.getWriter();
    this.reader.closed.catch(ignore);
    this.writer.closed.catch(ignore);
    if (this.closed) {
      this.hangUp();
      return unreachable();
    }
    session.opened();
    this.say(subscribeLine(ask, token));
    await readFrames(
      this.reader,
      (f) => !this.closed && this.to.frame(f),
      (bytes) => session.heard(bytes),
    );
    return unreachable();
  }

  private say(line: string): void {
    this.writer!.write(new TextEncoder().encode(line + "\n")).catch(ignore); // reading fails as well, and says so
  }

  pace(p: Pace): boolean {
    if (!this.writer || this.closed) {
      return false;
    }
    this.say(paceLine(p));
    this.pacing = p;
    this.session.pace();
    return true;
  }

  kick(): void {
    this.session.kick();
  }

  ping(): void {
    if (this.writer && !this.closed) {
      this.say(pingLine);
    }
  }

  renew(): void {
    if (!this.closed) {
      this.to.renew();
    }
  }

  close(silent?: boolean): void {
    if (this.closed) {
      return;
    }
    this.closed = true;
    this.hangUp();
    if (silent) {
      this.session.close(true);
    }
    this.session.drop(this);
  }

  private hangUp(): void {
    if (this.reader && this.writer) {
      this.reader.cancel().catch(ignore);
      this.writer.abort().catch(ignore);
    }
  }
}

function ignore(): void {}
