import type { Feed } from "../client/feed";
import { hubClock, trust, type Trust } from "../client/freshness";
import { el, setAttr, setText } from "./dom";
import { clock } from "./words";

/** The line in a page's head that says whether to believe the rest. */
export function liveLine(withClock: boolean): { element: HTMLElement; paint(feed: Feed): Trust } {
  const element = el("p", { class: "state", "data-trust": "catching" }, "Connecting");
  return {
    element,
    paint(feed) {
      const now = Date.now();
      const s = feed.now();
      const t = trust(s, now, feed.pace);
      const at = clock(hubClock(s, now, feed.pace), withClock);
      setAttr(element, "data-trust", t);
      setText(element, t === "live" ? (withClock ? at : "Live") : t === "catching" ? (s.lastFrame ? "Reconnecting" : "Connecting") : "Not live · last " + at);
      return t;
    },
  };
}
