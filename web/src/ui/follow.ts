import { Feed, type FeedConfig } from "../client/feed";
import { wires } from "./wires";

/**
 * A feed of this page: by the best wire that works, and woken by whatever
 * tells that the network or the person is back.
 */
export function follow(config: Omit<FeedConfig, "wire">): Feed {
  const feed = new Feed({ ...config, wire: wires() });
  const wake = (): void => feed.wake();
  window.addEventListener("online", wake);
  window.addEventListener("pageshow", wake);
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") {
      wake();
    }
  });
  return feed;
}
