import type { Frame } from "./frame";

export interface Entry {
  key: string;
  seq: number;
  value: unknown;
}

/** What has been committed of one topic. */
interface Held {
  entries: Map<string, Entry>;
  /** Empty while nothing is held. */
  position: string;
}

/**
 * The newest entries of the topics of one subscription. It only ever shows
 * committed states: frames wait in an Intake until their commit mark comes, so
 * a page never paints half of an event, or an emptied list during a snapshot.
 */
export class Topics {
  private held: { [topic: string]: Held } = {};

  constructor(readonly names: string[]) {
    for (const name of names) {
      this.held[name] = { entries: new Map(), position: "" };
    }
  }

  entries(topic: string): Entry[] {
    const out: Entry[] = [];
    const held = this.held[topic];
    if (held) {
      held.entries.forEach((e) => out.push(e));
    }
    return out;
  }

  values<T>(topic: string): T[] {
    return this.entries(topic).map((e) => e.value as T);
  }

  get<T>(topic: string, key: string): T | undefined {
    const held = this.held[topic];
    const e = held && held.entries.get(key);
    return e && (e.value as T);
  }

  /** The topics parameter that resumes here: "board@k3f9.1042,menu". */
  positions(): string {
    return this.names
      .map((n) => (this.held[n].position ? n + "@" + this.held[n].position : n))
      .join(",");
  }

  /** Makes the next subscription start afresh; what is shown stays. */
  forgetPositions(): void {
    for (const n of this.names) {
      this.held[n].position = "";
    }
  }

  /** Applies what an Intake gathered; tells whether anything changed. */
  commit(topic: string, position: string, reset: boolean, frames: Frame[]): boolean {
    const held = this.held[topic];
    if (!held) {
      return false;
    }
    let changed = false;
    if (reset) {
      changed = true;
      held.entries = new Map();
    }
    for (const f of frames) {
      changed = put(held.entries, f) || changed;
    }
    if (reset || !isBehind(position, held.position)) {
      held.position = position;
    }
    return changed;
  }
}

/** Applies one entry or tombstone unless what is held is as new. */
function put(entries: Map<string, Entry>, f: Frame): boolean {
  const key = f.key || "";
  const seq = f.seq || 0;
  const old = entries.get(key);
  if (old && old.seq >= seq) {
    return false;
  }
  if (f.value === undefined) {
    return entries.delete(key);
  }
  entries.set(key, { key, seq, value: f.value });
  return true;
}

/** Tells whether cursor a is an earlier position of the same epoch than b. */
export function isBehind(a: string, b: string): boolean {
  const cutA = a.lastIndexOf(".");
  const cutB = b.lastIndexOf(".");
  if (a.slice(0, cutA) !== b.slice(0, cutB)) {
    return false;
  }
  return Number(a.slice(cutA + 1)) < Number(b.slice(cutB + 1));
}

/**
 * What one connection has sent and not yet committed. It dies with its
 * connection, and the next one sends it again.
 */
export class Intake {
  private waiting: { [topic: string]: { reset: boolean; frames: Frame[] } } = {};

  constructor(private readonly topics: Topics) {}

  /** Takes a frame; returns the topics whose committed entries changed. */
  take(f: Frame): string[] {
    if (f.topic) {
      const w = this.waiting[f.topic] || (this.waiting[f.topic] = { reset: false, frames: [] });
      if (f.reset) {
        w.reset = true;
        w.frames = [];
        return [];
      }
      w.frames.push(f);
      return f.cursor ? this.commit([f.topic], f.cursor) : [];
    }
    return f.cursor ? this.commit(this.topics.names, f.cursor) : [];
  }

  private commit(names: string[], cursor: string): string[] {
    const changed: string[] = [];
    for (const name of names) {
      const w = this.waiting[name];
      delete this.waiting[name];
      if (this.topics.commit(name, cursor, !!w && w.reset, w ? w.frames : [])) {
        changed.push(name);
      }
    }
    return changed;
  }
}
