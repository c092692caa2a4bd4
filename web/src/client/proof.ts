import type { Env } from "./env";

/** A hub that was asked whether it is there has answered by then, or nothing it said before is called live. */
const patienceMs = 300;
/** What had come before it was asked has been heard by then. */
const queuedMs = 100;

/**
 * Whether the hub has been heard since that was in doubt. A page that slept
 * hears all at once what came meanwhile, and the connection may be long gone:
 * that proves nothing.
 */
export class Proof {
  /** When what was heard before ceased to count, by Env.now; 0 for never. */
  private since = 0;
  private cancelLate: () => void = () => {};

  constructor(
    private readonly env: Env,
    private readonly late: () => void,
  ) {}

  /** Begins a doubt, and returns when that was. */
  doubt(): number {
    this.cancel();
    this.since = this.env.now();
    return this.since;
  }

  /** Begins a doubt about which the hub is asked: late is called unless something proves it heard soon. */
  await(): number {
    this.doubt();
    this.cancelLate = this.env.later(patienceMs, this.late);
    return this.since;
  }

  /** Whether something that comes now is proof, over a connection opened when that says. */
  take(opened: number): boolean {
    const proves = opened >= this.since || this.env.now() - this.since > queuedMs;
    if (proves) {
      this.cancel();
    }
    return proves;
  }

  /** Does not call late any more. */
  cancel(): void {
    this.cancelLate();
  }
}
