// Brings a page onto the wire that a test is about.
import assert from "node:assert/strict";

/** What pages call the wires. */
export const words = { wt: "WebTransport", ws: "WebSocket", sse: "SSE" };

/**
 * Waits until a page is live by a wire. The machine may be too busy for the
 * head start that this wire has; then the page is loaded again with what it has
 * learned, or as if it were an hour later.
 */
export async function onWire(page, wire) {
  const seen = [];
  for (;;) {
    const live = await page.waitForSelector("[data-wire]:not([data-wire=''])");
    seen.push(await live.getAttribute("data-wire"));
    if (seen.includes(wire) || seen.length === 10) {
      break;
    }
    await page.waitForFunction(remembers, wire, { timeout: 3000 }).catch(() => page.evaluate(anHourLater));
    await page.reload();
  }
  assert.equal(seen.pop(), wire, `before it went by ${seen}`);
  const line = await page.waitForSelector(`[data-wire="${wire}"]`);
  assert.match(await line.innerText(), new RegExp(`${words[wire]} · \\d+ s ago · 127\\.0\\.0\\.1:\\d+`));
}

/** In the page: whether it would begin with this wire the next time. */
export function remembers(wire) {
  return JSON.parse(localStorage.getItem("everything.wires"))[""].wire === wire;
}

/** In the page: makes it forget which wire came first. */
function anHourLater() {
  const known = JSON.parse(localStorage.getItem("everything.wires"));
  known[""].wireUntil = 0;
  localStorage.setItem("everything.wires", JSON.stringify(known));
}
