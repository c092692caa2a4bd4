import type { Order } from "../cafe";
import type { Trust } from "../client/freshness";
import type { Tone } from "./tone";

const againMs = 60000;
const lostAgainMs = 5 * 60000;
/** Arrivals nearer than this are one knock. */
const burstMs = 2000;

/**
 * Decides what sounds when. Nothing sounds before the first live state, nor for
 * what a recovery brings, except one knock if somebody is waiting.
 */
export class Alerts {
  private known: { [id: string]: string } = {};
  private heard = false;
  private wasLive = false;
  private lastKnock = 0;
  private lastDim = 0;

  constructor(private readonly play: (t: Tone) => void) {}

  hear(orders: Order[], s: { trust: Trust; now: number }): void {
    if (s.trust !== "live") {
      this.wasLive = false;
      this.silence(s.trust);
      return;
    }
    this.lastDim = 0;
    const waiting = orders.filter((o) => o.status === "placed");
    const arrived = waiting.some((o) => !this.known[o.id]);
    const cancelled = this.wasLive && Object.keys(this.known).some((id) => this.known[id] !== "ready" && !orders.some((o) => o.id === id));
    const due = waiting.length > 0 && s.now - this.lastKnock >= againMs;
    if ((arrived && s.now - this.lastKnock >= burstMs) || due) {
      this.lastKnock = s.now;
      this.play("knock");
    }
    if (cancelled) {
      this.play("drop");
    }
    this.known = {};
    for (const o of orders) {
      this.known[o.id] = o.status;
    }
    this.heard = this.wasLive = true;
  }

  private silence(trust: Trust): void {
    if (!this.heard || trust === "catching") {
      return;
    }
    const now = Date.now();
    if (now - this.lastDim >= lostAgainMs) {
      this.lastDim = now;
      this.play("dim");
    }
  }
}
