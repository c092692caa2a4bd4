import type { Item, Order } from "../cafe";
import type { Commands } from "../client/commands";
import { Alerts } from "../ui/alerts";
import { add, el, fill, setText, sync } from "../ui/dom";
import { batches, lanes } from "../ui/kitchen";
import { liveLine } from "../ui/liveline";
import { screen, type Scene } from "../ui/screen";
import { Sound } from "../ui/tone";
import { clock, count } from "../ui/words";
import { menuWall } from "./menu";
import { Wall } from "./wall";

/** Without open orders for this long the screen goes dark but for its clock. */
const ambientMs = 10 * 60000;
const mostBatches = 6;

/** Shows the kitchen's tickets until stopped; again is called when the hub no longer lets it. */
export function kitchen(root: HTMLElement, commands: Commands, again: () => void): () => void {
  const sound = new Sound();
  const alerts = new Alerts((t) => sound.play(t));
  const line = liveLine({ class: "bar-side", clock: "seconds" });
  const soundOff = el("p", { class: "bar-sound" });
  const open = el("p", { class: "bar-count" });
  const tickets = new Wall();
  const lists = tickets.element;
  const menu = menuWall();
  const idleClock = el("p", { class: "idle-clock" });
  const idle = el("div", { class: "idle" }, el("div", { class: "idle-now" }, idleClock, el("p", { class: "idle-word" }, "No open orders")), menu.element);
  const together = el("ul", { class: "batches", "aria-label": "To make together" });
  const banner = el("p", { class: "banner" });
  add(
    root,
    el("header", { class: "bar" }, el("h1", { class: "bar-title" }, "Kitchen"), banner, open, soundOff, el("span", { class: "dot" }), line.element),
    el("main", { class: "kitchen-main" }, lists, idle, together),
  );

  let emptySince = 0;
  const paint = (s: Scene, changed: boolean): void => {
    const orders = s.feed.topics.values<Order>("kitchen");
    const by = lanes(orders);
    const first = !s.feed.now().lastFrame;
    root.setAttribute("data-trust", s.trust);
    line.paint(s.feed);
    setText(banner, s.trust === "old" || s.trust === "lost" ? "This screen lost the hub" : "");
    // The lanes count as well, and both have no room beside the rest.
    setText(open, orders.length && !sound.blocked ? count(orders.length, "open order") : "");
    setText(soundOff, sound.blocked ? "Sound off: press OK" : "");
    lists.hidden = orders.length === 0 || first;
    idle.hidden = orders.length > 0 || first;
    emptySince = orders.length > 0 || !s.now ? 0 : emptySince || s.now;
    root.setAttribute("data-ambient", emptySince && s.now - emptySince > ambientMs ? "yes" : "no");
    root.setAttribute("data-drift", String(Math.floor(s.now / 120000) % 5));
    setText(idleClock, clock(s.now));
    const same = batches(by.new.concat(by.making), mostBatches);
    together.hidden = same.length === 0;
    sync(together, same, (b) => b.name, () => el("li"), (e, b) => setText(e, b.count + " × " + b.name));
    tickets.paint(by, s.now, changed);
    if (changed) {
      menu.paint(s.feed.topics.values<Item>("menu"));
    }
    alerts.hear(orders, s);
  };

  const shown = screen({
    topics: ["kitchen", "menu"],
    paint,
    refused: again,
    idle: () => shown.feed.topics.entries("kitchen").length === 0,
    ticket: () => commands.once<{ ticket: string }>("POST", "/v1/feed/ticket").then((t) => t.ticket),
  });
  return () => {
    shown.stop();
    fill(root);
  };
}
