import type { CertificateHash } from "./hubs";
import { readFrames } from "./ndjson";
import { asProblem, unreachable } from "./problem";
import type { Pace } from "./status";
import { feedPath, paceLine, subscribeLine, type Ask, type Line, type Listener, type Wire } from "./wire";

/** What WebTransport needs to know of hubs. */
export interface Certificates {
  /** The hashes to accept a hub by; none when its certificate is a public one. */
  of(hub: string): Promise<CertificateHash[]>;
  /** A session failed: ask the hub again before the next. */
  doubt(hub: string): void;
}

export interface WTConfig {
  certificates: Certificates;
  /**
   * How many bytes a session may bring before its feeds move to another; 0 for
   * any number. WebKit grants 16 MiB and then never any more.
   */
  rotateBytes: number;
}

/** Leaves WebKit room to catch up on the next session before this one is stuck. */
export const webkitRotateBytes = 10 << 20;

/**
 * WebTransport: one session a hub, shared by the feeds of this page, each on a
 * bidirectional stream of its own. No datagrams, and no streams from the hub:
 * browsers have limits for both. The session sends no cookie, so private topics
 * need a ticket.
 */
export class WT implements Wire {
  readonly name = "wt";
  readonly abroad = true;
  private readonly sessions: { [hub: string]: Session | undefined } = {};

  constructor(private readonly config: WTConfig) {}

  open(ask: Ask, to: Listener): Line {
    const s = this.sessions[ask.hub] || this.connect(ask.hub);
    const line = new Stream(s, to);
    s.lines.add(line);
    line.follow(ask);
    return line;
  }

  private connect(hub: string): Session {
    const c = this.config;
    const s: Session = new Session(c.certificates.of(hub), (hub || location.origin) + feedPath, c.rotateBytes, (failed) => {
      if (this.sessions[hub] === s) {
        this.sessions[hub] = undefined;
      }
      if (failed) {
        c.certificates.doubt(hub);
      }
    });
    this.sessions[hub] = s;
    return s;
  }
}

/** A session with a hub and what goes over it. */
class Session {
  readonly lines = new Set<Stream>();
  readonly ready: Promise<WebTransport>;
  private transport?: WebTransport;
  private read = 0;
  /** Nothing new may be put on it. */
  private left = false;
  private closed = false;

  constructor(
    hashes: Promise<CertificateHash[]>,
    url: string,
    private readonly rotateBytes: number,
    private readonly leave: (failed: boolean) => void,
  ) {
    this.ready = hashes.then((h) => this.open(url, h));
    this.ready.catch(() => this.close(true));
  }

  private async open(url: string, hashes: CertificateHash[]): Promise<WebTransport> {
    if (this.closed) {
      throw unreachable();
    }
    const t = new WebTransport(url, hashes.length ? { serverCertificateHashes: hashes.map(decode) } : {});
    this.transport = t;
    let opened = false;
    const over = (): void => this.close(!opened);
    t.closed.then(over, over);
    await t.ready;
    opened = true;
    return t;
  }

  /** Counts what came, and moves everybody away in time. */
  heard(bytes: number): void {
    this.read += bytes;
    if (this.rotateBytes && this.read >= this.rotateBytes && !this.left) {
      this.left = true;
      this.leave(false);
      this.lines.forEach((l) => l.renew());
    }
  }

  drop(line: Stream): void {
    this.lines.delete(line);
    if (this.lines.size === 0) {
      this.close(false);
    }
  }

  close(failed: boolean): void {
    if (this.closed) {
      return;
    }
    this.closed = this.left = true;
    this.leave(failed);
    if (this.transport) {
      this.transport.close();
    }
  }
}

function decode(h: CertificateHash): { algorithm: string; value: Uint8Array<ArrayBuffer> } {
  const text = atob(h.value);
  const value = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    value[i] = text.charCodeAt(i);
  }
  return { algorithm: h.algorithm, value };
}

/** One subscription: the subscribe line goes out, frames come back. */
class Stream implements Line {
  readonly wire = "wt";
  private writer?: WritableStreamDefaultWriter<Uint8Array>;
  private reader?: ReadableStreamDefaultReader<Uint8Array>;
  private closed = false;

  constructor(
    private readonly session: Session,
    private readonly to: Listener,
  ) {}

  follow(ask: Ask): void {
    this.read(ask)
      .catch(asProblem)
      .then((why) => {
        if (!this.closed) {
          this.close();
          this.to.end(why);
        }
      });
  }

  private async read(ask: Ask): Promise<ReturnType<typeof unreachable>> {
    const [transport, token] = await Promise.all([this.session.ready, ask.ticket ? ask.ticket() : ""]);
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
    this.say(subscribeLine(ask, token));
    await readFrames(
      this.reader,
      (f) => !this.closed && this.to.frame(f),
      (bytes) => this.session.heard(bytes),
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
    return true;
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
