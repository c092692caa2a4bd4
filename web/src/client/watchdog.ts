import type { Env } from "./env";

const everyMs = 500;
/** Looking is so late only where the page was asleep: timers of hidden pages come every second. */
const sleptMs = 1500;

/** Has somebody look after things twice a second, and tells whether this page was asleep since the last time. */
export class Watchdog {
  private cancel: () => void = () => {};

  constructor(
    private readonly env: Env,
    private readonly look: (slept: boolean) => void,
  ) {}

  start(): void {
    const due = this.env.now() + everyMs;
    this.cancel = this.env.later(everyMs, () => {
      this.start(); // look may stop it
      this.look(this.env.now() - due > sleptMs);
    });
  }

  stop(): void {
    this.cancel();
  }
}
