import type { HubInfo } from "./hubs";
import type { WireName } from "./wire";

/** What is remembered of one hub. Instants are in ms since 1970. */
export interface Remembered {
  /** The wire that last came first, and until when that counts. */
  wire?: WireName;
  wireUntil?: number;
  info?: HubInfo;
  infoUntil?: number;
}

/** Where it is kept: on this device, where that is allowed. */
export interface Store {
  read(): unknown;
  write(v: unknown): void;
}

/** More hubs than a site has; what comes beyond replaces everything. */
const mostHubs = 16;

/** Remembers how hubs were reached, across pages and visits. */
export class Memory {
  private hubs: { [hub: string]: Remembered };

  constructor(private readonly store: Store) {
    const v = store.read();
    this.hubs = v && typeof v === "object" && !Array.isArray(v) ? (v as { [hub: string]: Remembered }) : {};
  }

  of(hub: string): Remembered {
    return this.hubs[hub] || {};
  }

  put(hub: string, change: Remembered): void {
    if (!this.hubs[hub] && Object.keys(this.hubs).length >= mostHubs) {
      this.hubs = {};
    }
    this.hubs[hub] = { ...this.hubs[hub], ...change };
    this.store.write(this.hubs);
  }
}
