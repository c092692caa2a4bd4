import { Beat } from "./beat";
import type { Manners } from "./engine";
import type { Env } from "./env";
import type { CertificateHash } from "./hubs";
import { unreachable } from "./problem";
import { paceMs, type Pace } from "./status";

/** What goes over a session. */
export interface Rider {
  readonly pacing: Pace;
  /** The session is about to end: go over to another. */
  renew(): void;
  /** Sends a heartbeat. */
  ping(): void;
}

export interface SessionConfig {
  url: string;
  /** What to accept the hub by; none when its certificate is a public one. */
  hashes: Promise<CertificateHash[]>;
  manners: Manners;
  env: Env;
  /** Called once, when nothing new may be put on it; failed says that it never worked, or no longer did. */
  left(failed: boolean): void;
}

/**
 * What a heartbeat is. The hub reads nothing from it. Its size matters: only a
 * packet of more than 42 bytes is told by a hub that was restarted that it
 * knows nothing of this connection (RFC 9000, section 10.3).
 */
const heartbeat = new Uint8Array(24);

/** A WebTransport session with a hub: the feeds on it, and its heartbeat. */
export class Session {
  readonly ready: Promise<WebTransport>;
  /** When it was begun, by Env.now. */
  readonly since: number;
  private readonly riders = new Set<Rider>();
  private readonly beat: Beat;
  private transport?: WebTransport;
  private datagrams?: WritableStreamDefaultWriter<Uint8Array>;
  /** A datagram that the browser has not taken yet. */
  private sending = false;
  private bytes = 0;
  private streams = 0;
  private left = false;
  private closed = false;

  constructor(private readonly config: SessionConfig) {
    this.since = config.env.now();
    this.beat = new Beat(config.env, () => this.ping());
    this.ready = config.hashes.then((h) => this.open(h));
    this.ready.catch(() => this.close(true));
  }

  private async open(hashes: CertificateHash[]): Promise<WebTransport> {
    if (this.closed) {
      throw unreachable();
    }
    const t = new WebTransport(this.config.url, hashes.length ? { serverCertificateHashes: hashes.map(decode) } : {});
    this.transport = t;
    let opened = false;
    const over = (): void => this.close(!opened);
    t.closed.then(over, over);
    await t.ready;
    opened = true;
    this.datagrams = this.config.manners.datagrams ? datagramsOf(t) : undefined;
    this.pace();
    return t;
  }

  add(r: Rider): void {
    this.riders.add(r);
    this.pace();
  }

  drop(r: Rider): void {
    this.riders.delete(r);
    if (this.riders.size === 0) {
      this.close(false);
    } else {
      this.pace();
    }
  }

  /** Beats as its most attentive feed does, once it is open. */
  pace(): void {
    const paces: number[] = [];
    this.riders.forEach((r) => paces.push(paceMs[r.pacing]));
    if (this.transport && !this.closed) {
      this.beat.pace(Math.min(...paces));
    }
  }

  /** Sends a heartbeat now. */
  kick(): void {
    if (this.transport && !this.closed) {
      this.beat.now();
    }
  }

  private ping(): void {
    if (!this.datagrams) {
      const first = this.riders.values().next();
      if (!first.done) {
        first.value.ping();
      }
    } else if (!this.sending) {
      this.sending = true;
      const sent = (): void => void (this.sending = false);
      this.datagrams.write(heartbeat).then(sent, sent);
    }
  }

  /** A stream was opened on it. */
  opened(): void {
    this.streams++;
    this.rotate();
  }

  /** So many bytes came. */
  heard(bytes: number): void {
    this.bytes += bytes;
    this.beat.heard();
    this.rotate();
  }

  /** Moves everybody away before the engine gives it nothing more. */
  private rotate(): void {
    const r = this.config.manners.rotation;
    if (r && !this.left && (this.bytes >= r.bytes || this.streams >= r.streams)) {
      this.leave(false);
      this.riders.forEach((rider) => rider.renew());
    }
  }

  /** Has nothing new put on it; what is on it goes on. */
  leave(failed: boolean): void {
    if (!this.left) {
      this.left = true;
      this.config.left(failed);
    }
  }

  close(failed: boolean): void {
    if (this.closed) {
      return;
    }
    this.closed = true;
    this.beat.stop();
    this.leave(failed);
    if (this.transport) {
      this.transport.close();
    }
  }
}

function datagramsOf(t: WebTransport): WritableStreamDefaultWriter<Uint8Array> | undefined {
  // Both names are about: the standard made one of the other.
  const d = t.datagrams as unknown as { writable?: WritableStream<Uint8Array>; createWritable?(): WritableStream<Uint8Array> } | undefined;
  const to = d && (d.writable || (d.createWritable && d.createWritable()));
  const writer = to && to.getWriter();
  if (writer) {
    writer.closed.catch(() => {}); // the session's end, which is heard of elsewhere
  }
  return writer;
}

function decode(h: CertificateHash): { algorithm: string; value: Uint8Array<ArrayBuffer> } {
  const text = atob(h.value);
  const value = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    value[i] = text.charCodeAt(i);
  }
  return { algorithm: h.algorithm, value };
}
