import type { Env } from "./env";

/** A line is lively while what comes is on average no farther apart than this. */
const livelyMs = 50;
/** What a pause counts as at most, so that a line is lively soon after a long one. */
const calmMs = 1000;
/** How long a lively line pauses before something is sent. */
const pauseMs = 100;
/** How many of the last gaps the average is of, about. */
const gaps = 8;

/**
 * Says when a page has to send something, for its way to the hub to hold. A NAT
 * that forgot where this page is learns it from the page's next packet and from
 * nothing else. So one goes out at an even pace; and while frames come one after
 * the other, so soon after they stop that nobody has noticed.
 */
export class Beat {
  private everyMs = 0;
  private heardAt: number;
  private gapMs = calmMs;
  /** The pause after which something is sent next. */
  private limitMs = 0;
  private looking = false;
  private cancelBeat: () => void = () => {};
  private cancelLook: () => void = () => {};

  constructor(
    private readonly env: Env,
    private readonly send: () => void,
  ) {
    this.heardAt = env.now();
  }

  /** Beats this far apart from now on; 0 for not at all. */
  pace(everyMs: number): void {
    if (everyMs !== this.everyMs) {
      this.everyMs = everyMs;
      this.rest();
    }
  }

  /** Something came. */
  heard(): void {
    const now = this.env.now();
    this.gapMs += (Math.min(now - this.heardAt, calmMs) - this.gapMs) / gaps;
    this.heardAt = now;
    this.limitMs = Math.max(pauseMs, 3 * this.gapMs);
    if (!this.looking && this.everyMs && this.gapMs < livelyMs) {
      this.look(this.limitMs);
    }
  }

  /** Sends at once; the next beat is a whole pace later. */
  now(): void {
    this.send();
    this.rest();
  }

  stop(): void {
    this.everyMs = 0;
    this.cancelBeat();
    this.cancelLook();
  }

  private rest(): void {
    this.cancelBeat();
    if (this.everyMs) {
      this.cancelBeat = this.env.later(this.everyMs, () => this.now());
    }
  }

  /** Looks later whether there is a pause; one timer, however much comes. */
  private look(ms: number): void {
    this.looking = true;
    this.cancelLook = this.env.later(ms, () => {
      this.looking = false;
      const pause = this.env.now() - this.heardAt;
      if (pause >= this.limitMs) {
        this.now(); // it may be lost as well: again after twice the pause, until the pace is as good
        this.limitMs = 2 * pause;
      }
      if (this.gapMs < livelyMs && this.limitMs < this.everyMs) {
        this.look(this.limitMs - pause);
      }
    });
  }
}
