import { Choice } from "../client/choice";
import { familyOf, manners } from "../client/engine";
import { realEnv } from "../client/env";
import { askHub, Hubs } from "../client/hubs";
import { Memory } from "../client/memory";
import { canStream, ndjson } from "../client/ndjson";
import { sse } from "../client/sse";
import type { Opener, Wire } from "../client/wire";
import { ws } from "../client/ws";
import { WT } from "../client/wt";
import { recall, remember } from "./local";

let shared: Opener | undefined;

/** How this page reaches hubs: all its feeds share what they learn, and sessions. */
export function wires(): Opener {
  return shared || (shared = make());
}

function make(): Opener {
  const family = familyOf(navigator.userAgent);
  const memory = new Memory({ read: () => recall<unknown>("wires", null), write: (v) => remember("wires", v) });
  const hubs = new Hubs(askHub, memory, realEnv);
  const has: Wire[] = [];
  if (typeof WebTransport === "function") {
    has.push(new WT({ certificates: hubs, manners: manners(family), env: realEnv }));
  }
  if (typeof WebSocket === "function") {
    has.push(ws);
  }
  if (typeof EventSource === "function") {
    has.push(sse);
  }
  if (canStream()) {
    has.push(ndjson);
  }
  return new Choice({ wires: has, family, hubs, memory, env: realEnv });
}
