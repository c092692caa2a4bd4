import type { Frame } from "./frame";
import type { Problem } from "./problem";
import type { Pace } from "./status";

/** The wires by the names that hubs give them; docs/protocol.md describes each. */
export type WireName = "wt" | "ws" | "sse" | "ndjson";

/** What one subscription asks of a hub; each wire puts it in its own way. */
export interface Ask {
  /** The origin of the hub; empty for this page's own. */
  hub: string;
  /** Topics with the positions to resume at: "board@k3f9.1042,menu". */
  topics: string;
  pace: Pace;
  /**
   * Fetches a ticket, for wires and hubs that this page's cookie does not go
   * to. Absent when all topics are public.
   */
  ticket?: () => Promise<string>;
  /**
   * When it became doubtful that the hub is heard, by Env.now: what is older and
   * shared with other lines is not to be relied on.
   */
  since?: number;
}

/** Hears what one line brings. Nothing is called from within open. */
export interface Listener {
  frame(f: Frame): void;
  /** Something came that cannot be shown yet: the line is not dead. */
  stir(): void;
  /** The line works, and should be replaced by another before it ends. */
  renew(): void;
  /** The line is over; with a Problem when the hub said why. The last call. */
  end(why: Problem): void;
}

/** One open subscription. */
export interface Line {
  /** What it goes by; empty until that is decided. */
  readonly wire: WireName | "";
  /** Asks for another pace; false where that takes another line. */
  pace(p: Pace): boolean;
  /** Sends something, where the wire can: a NAT that forgot this page hears of it. Nothing answers. */
  kick(): void;
  /**
   * Leaves; nothing more is heard. silent says that it is left because nothing
   * came any more, so what it shares with others is not to be trusted either.
   */
  close(silent?: boolean): void;
}

/** Opens lines to hubs. */
export interface Opener {
  /** Whether it reaches other hubs than this page's own. */
  readonly abroad: boolean;
  open(ask: Ask, to: Listener): Line;
}

/** One way to bring frames here. */
export interface Wire extends Opener {
  readonly name: WireName;
  /** Whether a line to this hub would share what was there before an instant; absent for never. */
  shares?(hub: string, since: number): boolean;
}

export const feedPath = "/v1/feed";

/** The address of wires that ask by it. Never with a ticket: addresses are logged. */
export function feedURL(ask: Ask): string {
  const topics = ask.topics.split(",").map(encodeURIComponent).join(",");
  return ask.hub + feedPath + "?topics=" + topics + "&pace=" + ask.pace;
}

/** The first line of wires that have no address of their own to ask by. */
export function subscribeLine(ask: Ask, token: string): string {
  return JSON.stringify({ topics: ask.topics, pace: ask.pace, token: token || undefined });
}

export function paceLine(pace: Pace): string {
  return JSON.stringify({ pace });
}

/** The page's own heartbeat, which nothing answers. */
export const pingLine = JSON.stringify({ ping: true });

/** The ticket for a wire that sends this page's cookie to its own hub, if that hub needs one. */
export function ticketAbroad(ask: Ask): Promise<string> {
  return ask.hub && ask.ticket ? ask.ticket() : Promise.resolve("");
}
