import type { Feed, FeedConfig } from "../client/feed";
import { hubClock, trust, type Trust } from "../client/freshness";
import { follow } from "./follow";

/** What a screen on a wall paints from. */
export interface Scene {
  feed: Feed;
  trust: Trust;
  /** The hub's clock in ms, stopped when the hub is not heard; 0 for never. */
  now: number;
}

export interface ScreenConfig {
  topics: string[];
  paint(s: Scene, changed: boolean): void;
  refused?(): void;
  /** Whether a reload would disturb nobody. */
  idle(): boolean;
  ticket?: FeedConfig["ticket"];
}

const tickMs = 500;

/**
 * Runs an unattended screen: follows its topics, paints at each change and
 * twice a second, keeps awake, and reloads when a new build is there and
 * nobody is waiting.
 */
export function screen(config: ScreenConfig): { feed: Feed; stop(): void } {
  let changed = false;
  let queued = false;
  let wasLive = false;
  const paint = (): void => {
    queued = false;
    const now = Date.now();
    const s = feed.now();
    const c = changed;
    changed = false;
    config.paint({ feed, trust: trust(s, now, feed.pace), now: hubClock(s, now, feed.pace) }, c);
  };
  const soon = (): void => {
    if (!queued) {
      queued = true;
      requestAnimationFrame(paint); // a burst is one frame
    }
  };
  const feed = follow({
    topics: config.topics,
    pace: "attentive",
    ticket: config.ticket,
    onChange: () => {
      changed = true;
      soon();
    },
    onStatus: (s) => {
      if (s.state === "refused" && config.refused) {
        config.refused();
      }
      if (s.state === "live" && !wasLive) {
        checkBuild(config.idle);
      }
      wasLive = s.state === "live";
      soon();
    },
  });
  const ticking = setInterval(paint, tickMs);
  stayAwake();
  feed.start();
  return {
    feed,
    stop: () => {
      clearInterval(ticking);
      feed.stop();
    },
  };
}

/** Reloads for a new build, when the screen has nothing to show anyway. */
function checkBuild(idle: () => boolean): void {
  const mine = document.documentElement.getAttribute("data-build") || "";
  const whenIdle = (): void => {
    if (idle()) {
      location.reload();
    } else {
      setTimeout(whenIdle, 60000);
    }
  };
  fetch("/build", { cache: "no-store" })
    .then((r) => (r.ok ? r.text() : ""))
    .then((theirs) => {
      if (theirs && theirs !== mine) {
        whenIdle();
      }
    })
    .catch(() => {}); // the next time it is live it asks again
}

/** Holds a wake lock while visible. Some sets never answer; nothing waits for them. */
function stayAwake(): void {
  const lock = (navigator as unknown as { wakeLock?: { request(t: string): Promise<unknown> } }).wakeLock;
  if (!lock) {
    return;
  }
  const ask = (): void => {
    if (document.visibilityState === "visible") {
      lock.request("screen").catch(() => {});
    }
  };
  document.addEventListener("visibilitychange", ask);
  ask();
}

const crashKey = "everything.crashes";
const crashWaits = [1000, 5000, 30000];

/**
 * Reloads after a fault of the page, at most three times in ten minutes; then
 * it calls giveUp, which shows something simpler.
 */
export function survive(giveUp: () => void): void {
  const fault = (): void => {
    let crashes: number[] = [];
    try {
      crashes = JSON.parse(sessionStorage.getItem(crashKey) || "[]");
      crashes = crashes.filter((t) => Date.now() - t < 600000);
      sessionStorage.setItem(crashKey, JSON.stringify(crashes.concat(Date.now())));
    } catch (e) {
      crashes = [0, 0, 0]; // no memory of crashes: do not risk a loop
    }
    if (crashes.length >= crashWaits.length) {
      giveUp();
    } else {
      setTimeout(() => location.reload(), crashWaits[crashes.length]);
    }
  };
  window.addEventListener("error", (e) => {
    if (e.error) {
      fault();
    }
  });
}
