// Where tickets stand: pure arithmetic on heights, so that a screen just
// switched on and one that hung there all day come to the same answer.

/** A ticket that wants a place, and the height that it takes. */
export interface Box {
  key: string;
  height: number;
}

/** Columns side by side, all as high, and the gap between two tickets. */
export interface Room {
  /** The first column, and the one after the last. */
  from: number;
  to: number;
  height: number;
  gap: number;
}

/** A ticket's column and how far down it begins. */
export interface Place {
  column: number;
  top: number;
}

export interface Places {
  [key: string]: Place;
}

/** Heights are measured in fractions of pixels: so much is no overflow. */
const slack = 0.5;

/** Fills one column after the other, in order. What comes after the first that finds no room waits. */
export function pack(boxes: Box[], room: Room): Place[] {
  const out: Place[] = [];
  let column = room.from;
  let top = 0;
  for (const b of boxes) {
    if (top > 0 && top + b.height > room.height + slack) {
      column++;
      top = 0;
    }
    if (column >= room.to || b.height > room.height + slack) {
      break;
    }
    out.push({ column, top });
    top += b.height + room.gap;
  }
  return out;
}

/**
 * Places as many as pack does, and the same ones, but leaves each where it was
 * before: a ticket must not move while somebody reads it. New ones go below the
 * last; if there is no room, into the first gap. All are packed anew only when
 * that does not do, or when a whole column came free.
 */
export function place(boxes: Box[], room: Room, before: Places): Places {
  const packed = pack(boxes, room);
  const shown = boxes.slice(0, packed.length);
  const kept = keep(shown, room, before);
  const out: Places = {};
  shown.forEach((b, i) => (out[b.key] = kept ? kept[b.key] : packed[i]));
  return out;
}

function keep(boxes: Box[], room: Room, before: Places): Places | null {
  const columns: Column[] = [];
  for (let c = room.from; c < room.to; c++) {
    columns.push(new Column(room));
  }
  const out: Places = {};
  const put = (b: Box, column: number, top: number): boolean => {
    const c = columns[column - room.from];
    if (!c || !c.take(top, b.height)) {
      return false;
    }
    out[b.key] = { column, top };
    return true;
  };
  for (const b of boxes) {
    const p = before[b.key];
    if (p && !put(b, p.column, p.top)) {
      return null;
    }
  }
  const used = columns.map((c) => c.taken.length > 0);
  if (used.indexOf(false) >= 0 && used.indexOf(false) < used.lastIndexOf(true)) {
    return null;
  }
  for (const b of boxes) {
    if (!out[b.key] && !below(b) && !between(b)) {
      return null;
    }
  }
  return out;

  function below(b: Box): boolean {
    let last = columns.length - 1;
    while (last > 0 && columns[last].taken.length === 0) {
      last--;
    }
    return columns.slice(last).some((c, i) => put(b, room.from + last + i, c.end()));
  }

  function between(b: Box): boolean {
    return columns.some((c, i) => c.starts().some((top) => put(b, room.from + i, top)));
  }
}

/** What is taken of a column, from top to bottom. */
class Column {
  readonly taken: { top: number; end: number }[] = [];

  constructor(private readonly room: Room) {}

  /** Takes a stretch if it is free, with a gap to either side. */
  take(top: number, height: number): boolean {
    const end = top + height;
    const gap = this.room.gap - slack;
    if (end > this.room.height + slack || this.taken.some((t) => top < t.end + gap && t.top < end + gap)) {
      return false;
    }
    this.taken.push({ top, end });
    this.taken.sort((a, b) => a.top - b.top);
    return true;
  }

  /** Where the next one would begin: at the top, or below the last. */
  end(): number {
    return this.taken.length ? this.taken[this.taken.length - 1].end + this.room.gap : 0;
  }

  /** Where a gap may begin. */
  starts(): number[] {
    return [0].concat(this.taken.map((t) => t.end + this.room.gap));
  }
}

/**
 * Shares columns between two lanes and returns how many the first has. A share
 * that shows everything stays as it is. Else it is the one that shows the most;
 * of equals the one that gives the first lane the least, for the second is what
 * hands are on. A lane has a column as long as it has a ticket, and gives away
 * its last only when it has none.
 */
export function share(first: Box[], second: Box[], columns: number, height: number, gap: number, now: number): number {
  const shown = (n: number): number =>
    pack(first, { from: 0, to: n, height, gap }).length + pack(second, { from: n, to: columns, height, gap }).length;
  if (now > 0 && now < columns && shown(now) === first.length + second.length) {
    return now;
  }
  let best = 1;
  for (let n = 2; n < columns; n++) {
    best = shown(n) > shown(best) ? n : best;
  }
  if (second.length === 0 && shown(columns) > shown(best)) {
    return columns;
  }
  return first.length === 0 && shown(0) > shown(best) ? 0 : best;
}
