import { realEnv } from "../client/env";
import { Feed, type FeedConfig } from "../client/feed";
import { signsOf, type Sources } from "../client/signs";
import { wires } from "./wires";

/**
 * A feed of this page: by the best wire that works, and told of whatever says
 * that the network or the person is back.
 */
export function follow(config: Omit<FeedConfig, "wire" | "signs">): Feed {
  const { connection } = navigator as unknown as { connection?: Sources["connection"] };
  // Some sets have the object, and no events on it.
  const tells = connection && typeof connection.addEventListener === "function" ? connection : undefined;
  return new Feed({ ...config, wire: wires(), signs: signsOf({ window, document, connection: tells }, realEnv) });
}
