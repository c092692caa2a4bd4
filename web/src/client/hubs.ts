import type { Env } from "./env";
import type { Memory } from "./memory";
import { unreachable } from "./problem";

export interface CertificateHash {
  algorithm: string;
  /** Base64 of the hash. */
  value: string;
  /** When the certificate ends, in RFC 3339. */
  until: string;
}

/** What GET /v1/hub tells about reaching the hub. */
export interface HubInfo {
  wires?: string[];
  policy?: { browser: string; wires: string[] }[];
  certificate_hashes?: CertificateHash[];
}

/** How long what a hub told is believed without asking again. */
const believeMs = 60 * 60000;
/** Hashes that end sooner than this are not worth a session. */
const nearMs = 60 * 60000;
/** A hub that does not answer this long is not waited for. */
const patienceMs = 5000;
/** How long a hub that told nothing is left alone. */
const againMs = 60000;

/** Knows how hubs want to be reached, asking each no more often than needed. */
export class Hubs {
  private readonly asking: { [hub: string]: Promise<HubInfo> | undefined } = {};
  private readonly failedAt: { [hub: string]: number } = {};

  constructor(
    private readonly ask: (hub: string) => Promise<HubInfo>,
    private readonly memory: Memory,
    private readonly env: Env,
  ) {}

  /** What is known without asking. */
  known(hub: string): HubInfo | undefined {
    return this.memory.of(hub).info;
  }

  /** Asks in the background, unless what is known is young. */
  refresh(hub: string): void {
    const failed = this.failedAt[hub];
    if (!this.young(hub) && !(failed && this.env.now() - failed < againMs)) {
      this.read(hub).catch(() => {}); // it is reached without
    }
  }

  /** See Certificates in wt.ts. */
  of(hub: string): Promise<CertificateHash[]> {
    const known = this.known(hub);
    const hashes = (known && known.certificate_hashes) || [];
    if (known && this.young(hub) && (hashes.length === 0 || this.last(hashes) - this.env.now() > nearMs)) {
      return Promise.resolve(hashes);
    }
    return this.read(hub).then((i) => i.certificate_hashes || []);
  }

  doubt(hub: string): void {
    this.memory.put(hub, { infoUntil: 0 });
  }

  private young(hub: string): boolean {
    return (this.memory.of(hub).infoUntil || 0) > this.env.now();
  }

  private last(hashes: CertificateHash[]): number {
    return Math.max(...hashes.map((h) => Date.parse(h.until) || 0));
  }

  private read(hub: string): Promise<HubInfo> {
    return this.asking[hub] || (this.asking[hub] = this.fetch(hub));
  }

  private fetch(hub: string): Promise<HubInfo> {
    let cancel: () => void = () => {};
    const late = new Promise<HubInfo>((_, no) => {
      cancel = this.env.later(patienceMs, () => no(unreachable()));
    });
    const over = (failedAt: number): void => {
      cancel();
      this.asking[hub] = undefined;
      this.failedAt[hub] = failedAt;
    };
    return Promise.race([this.ask(hub), late]).then(
      (info) => {
        over(0);
        this.memory.put(hub, { info, infoUntil: this.env.now() + believeMs });
        return info;
      },
      (e) => {
        over(this.env.now());
        throw e;
      },
    );
  }
}

/** Asks a hub over the network. */
export function askHub(hub: string): Promise<HubInfo> {
  return fetch(hub + "/v1/hub", { cache: "no-store" }).then((r) => {
    if (!r.ok) {
      throw unreachable();
    }
    return r.json() as Promise<HubInfo>;
  });
}
