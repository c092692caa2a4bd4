import type { Env } from "./env";

/** Who is told of signs. */
export interface Watcher {
  /** The network may be another, or the page slept: see whether what there is still holds. */
  check(): void;
  /** There is no network. */
  offline(): void;
}

/** Tells a watcher of signs until the function it returns is called. */
export type Signs = (to: Watcher) => () => void;

/** Where signs come from: what a browser has of them. */
export interface Sources {
  window: Target;
  document: Target & { visibilityState: string };
  /** The network's kind, on engines that tell it. */
  connection?: Target & { type?: string };
}

interface Target {
  addEventListener(type: string, fn: (e: Event) => void): void;
  removeEventListener(type: string, fn: (e: Event) => void): void;
}

/**
 * The signs of a browser. They come in threes, as when a page is shown that was
 * frozen meanwhile: one check is enough for those of one moment.
 */
export function signsOf(from: Sources, env: Env): Signs {
  return (to) => {
    let cancel: (() => void) | undefined;
    const check = (): void => {
      cancel = cancel || env.later(0, () => {
        cancel = undefined;
        to.check();
      });
    };
    const shown = (): void => {
      if (from.document.visibilityState === "visible") {
        check(); // nobody sees the others, and their timers still look for silence
      }
    };
    const { connection } = from;
    let kind = connection && connection.type;
    const listeners: [Target | undefined, string, (e: Event) => void][] = [
      [from.window, "online", check],
      [from.window, "offline", () => to.offline()],
      // Out of the cache of pages that were left: their connections are not kept.
      [from.window, "pageshow", (e) => (e as PageTransitionEvent).persisted && check()],
      [from.document, "visibilitychange", shown],
      [from.document, "resume", shown],
      [connection, "change", () => {
        const was = kind;
        kind = connection!.type;
        if (kind !== was) {
          check(); // else it is but an estimate of its speed that changed
        }
      }],
    ];
    listeners.forEach(([target, type, fn]) => target && target.addEventListener(type, fn));
    return () => {
      listeners.forEach(([target, type, fn]) => target && target.removeEventListener(type, fn));
      if (cancel) {
        cancel();
      }
    };
  };
}
