import type { Frame } from "./frame";
import { paceMs, type Pace, type Status } from "./status";
import { Intake, type Topics } from "./topics";
import type { Line } from "./wire";

/** A feed without a frame for this many paces is dead, whatever TCP thinks. */
const stallPaces = 2.5;
/** What opening may take before it counts as a stall. */
const openMs = 8000;

/** One connection of a feed, and what is known of it. */
export class Connection {
  readonly intake: Intake;
  line: Line = noLine;
  live = false;
  /** When something last came, or it was opened. */
  lastHeard: number;
  /** When to replace it although it works; 0 for not. */
  renewAt = 0;

  constructor(
    readonly base: string,
    public pace: Pace,
    topics: Topics,
    /** When it was opened. */
    readonly since: number,
  ) {
    this.intake = new Intake(topics);
    this.lastHeard = since;
  }

  /** Whether nothing came for longer than a connection is silent for. */
  silent(now: number): boolean {
    const pace = paceMs[this.pace] * stallPaces;
    return now - this.lastHeard > (this.live ? pace : Math.max(pace, openMs));
  }

  /** What a frame that came here says of the status. */
  says(f: Frame, now: number): Partial<Status> {
    const say: Partial<Status> = { lastFrame: now };
    if (f.now) {
      say.hubTime = Date.parse(f.now) || 0;
      say.hubHeard = now;
    }
    if (f.live || f.stale) {
      say.state = f.live ? "live" : "stale";
      say.wire = this.line.wire;
      say.hub = this.base;
      say.stale = f.stale;
    }
    if (f.live) {
      say.problem = undefined;
    }
    return say;
  }
}

/** Stands in until the wire has been asked; nothing is called on it. */
const noLine: Line = { wire: "", pace: () => false, kick: () => {}, close: () => {} };
