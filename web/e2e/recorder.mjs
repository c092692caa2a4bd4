// What a page is watched by from within: sessions, sockets and frames as they
// come, what is shown, and when it was right.

/** Put into a page before its own scripts. */
export function recorder() {
  const seen = { sessions: 0, sockets: 0, streams: 0, endedAt: 0, frames: [], shown: {}, shownAt: 0, rightAt: 0, skew: 0, pad: 0 };
  window.seen = seen;
  const { now } = Date;
  Date.now = () => now() + seen.skew;

  const note = (lines) => {
    for (const line of lines.filter((l) => l.startsWith("{"))) {
      const { topic, key, seq, value, reset } = JSON.parse(line);
      if (topic) {
        seen.frames.push({ at: now(), topic, key, seq, reset, gone: value === undefined });
      }
    }
  };
  const Session = window.WebTransport;
  window.WebTransport = class extends Session {
    constructor(...a) {
      super(...a);
      seen.sessions++;
      const ended = () => (seen.endedAt = now());
      this.closed.then(ended, ended);
    }

    async createBidirectionalStream() {
      const { readable, writable } = await super.createBidirectionalStream();
      seen.streams++;
      const text = new TextDecoder();
      let rest = "";
      const through = new TransformStream({
        transform(chunk, to) {
          to.enqueue(chunk);
          if (seen.pad) {
            // As if so much had come: empty lines say nothing.
            to.enqueue(new Uint8Array(seen.pad).fill(32));
            to.enqueue(new Uint8Array([10]));
            seen.pad = 0;
          }
          const lines = (rest + text.decode(chunk, { stream: true })).split("\n");
          rest = lines.pop();
          note(lines);
        },
      });
      return { readable: readable.pipeThrough(through), writable };
    }
  };
  const Socket = window.WebSocket;
  window.WebSocket = class extends Socket {
    constructor(...a) {
      super(...a);
      seen.sockets++;
      this.addEventListener("message", (e) => note([e.data]));
    }
  };

  // How often each number came up on the board; and since when all is right.
  let there = [];
  const look = () => {
    const numbers = [...document.querySelectorAll(".entry-number")].map((e) => e.textContent).filter((n) => n);
    numbers.forEach((n, i) => {
      if (!there.includes(n) || numbers.indexOf(n) !== i) {
        seen.shown[n] = (seen.shown[n] || 0) + 1;
      }
    });
    there = numbers;
    seen.rightAt = seen.right && seen.right() ? seen.rightAt || now() : 0;
  };
  new MutationObserver(look).observe(document, { childList: true, subtree: true, attributes: true, characterData: true });
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") {
      seen.shownAt = now();
    }
  });
}

/** In the page: what was seen so far, but for what it is judged by. */
export function seen() {
  const { right, ...all } = window.seen;
  return all;
}
