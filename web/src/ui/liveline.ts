import type { Feed } from "../client/feed";
import { hubClock, trust, type Trust } from "../client/freshness";
import type { Status } from "../client/status";
import { el, setAttr, setText } from "./dom";
import { ago, clock, wireWords } from "./words";

export interface LiveLineConfig {
  /** The sheet's name for it: "state" where held in hands, "bar-side" on walls. */
  class: string;
  /** What the hub's clock is shown by; "no" says "Live" instead. */
  clock: "no" | "minutes" | "seconds";
}

/**
 * The line in a page's head that says whether to believe the rest, by which
 * wire it came from which hub, and when that last said a word. What ticks is
 * there to be read, not announced; only losing the hub and finding it again is.
 */
export function liveLine(config: LiveLineConfig): { element: HTMLElement; paint(feed: Feed): Trust } {
  const said = el("span", { class: "unseen", role: "status" });
  const words = el("span", { class: "live-words" }, "Connecting");
  const by = el("span", { class: "live-by" });
  const element = el("p", { class: config.class, "data-trust": "catching" }, words, by, said);
  return {
    element,
    paint(feed) {
      const now = Date.now();
      const s = feed.now();
      const t = trust(s, now, feed.pace);
      setAttr(element, "data-trust", t);
      setAttr(element, "data-wire", t === "live" ? s.wire : "");
      setText(words, trustWords(s, t, clock(hubClock(s, now, feed.pace), config.clock !== "minutes" || t !== "live"), config.clock));
      setText(by, byWords(s, t, now));
      setText(said, saidWords(t, said.textContent || ""));
      return t;
    },
  };
}

function trustWords(s: Status, t: Trust, at: string, kind: LiveLineConfig["clock"]): string {
  switch (t) {
    case "live":
      return kind === "no" ? "Live" : at;
    case "catching":
      return (!s.lastFrame ? "Connecting" : s.doubt === "offline" ? "No network" : "Reconnecting") + (!s.lastFrame || kind === "no" ? "" : " · " + at);
    default:
      return "Not live · last " + at;
  }
}

function byWords(s: Status, t: Trust, now: number): string {
  if (!s.lastFrame) {
    return "";
  }
  const hub = (s.hub || location.origin).replace(/^https?:\/\//, "");
  if (t === "old" || t === "lost") {
    return hub; // the words tell the time already
  }
  const wire = t === "live" && s.wire ? [wireWords[s.wire]] : [];
  return wire.concat(ago(now - s.lastFrame), hub).join(" · ");
}

/** What is announced. A short gap is not: it is gone before it was heard. */
function saidWords(t: Trust, before: string): string {
  if (t === "old" || t === "lost") {
    return "Not live: this may be old";
  }
  return t === "live" && before ? "Live again" : before;
}
