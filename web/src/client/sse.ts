import { parseFrame } from "./frame";
import { Problem, problemOf, unreachable } from "./problem";
import { feedURL, type Wire } from "./wire";

/**
 * Server-sent events. The browser's own reconnecting is not used, because it
 * knows no positions by topic and no backoff; and since an EventSource hides
 * why it failed, the session is asked. It cannot send a ticket, so it follows
 * this page's own hub only.
 */
export const sse: Wire = {
  name: "sse",
  abroad: false,
  open(ask, to) {
    let closed = false;
    const source = new EventSource(feedURL(ask));
    source.onmessage = (e) => {
      const f = parseFrame(String(e.data));
      if (f && !closed) {
        to.frame(f);
      }
    };
    source.onerror = () => {
      source.close();
      (ask.ticket ? whyRefused() : Promise.resolve(unreachable())).then((why) => {
        if (!closed) {
          closed = true;
          to.end(why);
        }
      });
    };
    return {
      wire: "sse",
      pace: () => false,
      kick: () => {},
      close: () => {
        closed = true;
        source.close();
      },
    };
  },
};

/**
 * Asks who the hub takes this page for: a feed of private topics is refused to
 * those it does not know (any more), and everything else passes.
 */
function whyRefused(): Promise<Problem> {
  return fetch("/v1/session", { credentials: "same-origin", cache: "no-store" }).then(
    (r) => (r.status === 401 || r.status === 403 ? problemOf(r) : unreachable()),
    () => unreachable(),
  );
}
