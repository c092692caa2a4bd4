import { paceMs, type Pace, type Status } from "./status";

/**
 * How far what a page shows can be believed. live: now. catching: no frame for
 * a moment, or the first state is on its way. old: what is shown may be wrong
 * and must say so. lost: too old for strangers to act on.
 */
export type Trust = "live" | "catching" | "old" | "lost";

const oldMs = 15000;
const lostMs = 60000;

/** Judges a status at a moment of the clock its times are by. */
export function trust(s: Status, now: number, pace: Pace): Trust {
  const silent = now - Math.max(s.lastFrame, s.pacedAt);
  if (!s.lastFrame) {
    return "catching";
  }
  if (s.stale && s.state === "stale") {
    const age = s.hubTime ? s.hubTime - Date.parse(s.stale.since) : 0;
    return Math.max(age, silent) > lostMs ? "lost" : "old";
  }
  const slack = Math.max(0, 2.5 * paceMs[pace] - oldMs);
  if (silent > lostMs + slack) {
    return "lost";
  }
  if (silent > oldMs + slack) {
    return "old";
  }
  return s.state === "live" && !s.doubt && silent <= 2 * paceMs[pace] ? "live" : "catching";
}

/**
 * The hub's clock in ms since 1970, or 0 when it was never heard. Between two
 * heartbeats it runs on; when they stop, so does it.
 */
export function hubClock(s: Status, now: number, pace: Pace): number {
  if (!s.hubTime) {
    return 0;
  }
  return s.hubTime + Math.min(now - s.hubHeard, 2 * paceMs[pace]);
}
