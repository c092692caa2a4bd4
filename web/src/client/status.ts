import type { Problem } from "./problem";
import type { WireName } from "./wire";

/** How often an idle feed says that it is alive. */
export type Pace = "attentive" | "idle";

export const paceMs: { [p in Pace]: number } = { attentive: 1000, idle: 20000 };

/**
 * connecting: nothing was ever live here. live: what is shown is true. stale:
 * the hub answers but says that what it has may be old. offline: the hub does
 * not answer; it is tried again. refused: it answered that this caller may not;
 * nothing is tried until start is called again.
 */
export type State = "connecting" | "live" | "stale" | "offline" | "refused";

export interface Status {
  state: State;
  /** When the last frame came, by Env.now; 0 for never. */
  lastFrame: number;
  /** The hub's clock when it last told it, in ms since 1970; 0 for never. */
  hubTime: number;
  /** When that was, by Env.now. */
  hubHeard: number;
  /** What brings the frames, and the origin of the hub; empty for none yet, and for this page's own. */
  wire: WireName | "";
  hub: string;
  /** When the pace was changed, by Env.now: silence at the new one counts from here. */
  pacedAt: number;
  /** Why the hub calls it stale, and since when by its clock. */
  stale?: { since: string; why: string };
  problem?: Problem;
  doubt?: Doubt;
}

/**
 * Why it is not known that the hub is heard, although no connection was found
 * to be lost: the browser says that there is no network, or nothing answered a
 * page that asked.
 */
export type Doubt = "offline" | "unanswered";
