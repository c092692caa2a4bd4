/**
 * How long to wait before the next try: full jitter, so that a room of screens
 * that lost the hub together does not come back together.
 */
export class Backoff {
  private tries = 0;

  constructor(
    private readonly firstMs: number,
    private readonly mostMs: number,
    private readonly random: () => number = Math.random,
  ) {}

  next(): number {
    const cap = Math.min(this.mostMs, this.firstMs * Math.pow(2, this.tries));
    this.tries++;
    return this.random() * cap;
  }

  reset(): void {
    this.tries = 0;
  }
}
