// The public board: what is being made and what is ready, for people waiting
// three to eight metres away.
import type { Announcement, BoardLine } from "../cafe";
import { el, fill, setAttr, setText, sync } from "../ui/dom";
import { slots } from "../ui/kitchen";
import { liveLine } from "../ui/liveline";
import { mark } from "../ui/mark";
import { screen, survive, type Scene } from "../ui/screen";
import { boardWords, clock } from "../ui/words";

(window as unknown as { everythingHello: boolean }).everythingHello = true;
survive(() => location.replace("/board?plain=1"));

const waitingMs = 10 * 60000;
const lastCallMs = 25 * 60000;
const newMs = 10000;
/** How many numbers fit at each size, from the largest. */
const makingFits = [4, 6, 10, 20];
const readyFits = [6, 12, 24, 40];

const root = document.getElementById("app")!;
const site = root.getAttribute("data-site") || "";

const line = liveLine({ class: "bar-side", clock: "minutes" });
const making = group("making", "Making", makingFits);
const ready = group("ready", "Ready", readyFits);
const lists = el("div", { class: "board-lists" }, making.section, ready.section);
const idleClock = el("p", { class: "idle-clock" });
const idle = el("div", { class: "idle" }, idleClock, el("p", { class: "idle-word" }, "Order at the counter or on your phone"), el("p", { class: "idle-empty" }, "No orders are waiting"));
const ask = el("p", { class: "ask" }, "Please ask at the counter");
const main = el("main", { class: "board-main" }, lists, idle, ask);
const strip = el("ul", { class: "strip", "aria-label": "Announcements" });
const mode = document.documentElement.getAttribute("data-mode") || "";
fill(
  root,
  el("header", { class: "bar" }, el("h1", { class: "bar-title" }, site), mode && mode !== "live" ? el("p", { class: "bar-mode" }, mode) : null, el("span", { class: "dot" }), line.element),
  main,
  el("footer", {}, strip),
);

interface Group {
  fits: number[];
  section: HTMLElement;
  list: HTMLElement;
  more: HTMLElement;
  places: string[];
  /** The size in use, and what it was chosen for. */
  level: number;
  chosenFor: string;
}

function group(id: string, name: string, fits: number[]): Group {
  const list = el("ul", { class: "entries" });
  const more = el("p", { class: "more" });
  const section = el("section", { class: "group " + id, "aria-labelledby": id }, el("h2", { id }, name), list, more);
  return { fits, section, list, more, places: [], level: 0, chosenFor: "" };
}

function oldestFirst(a: BoardLine, b: BoardLine): number {
  return a.since < b.since ? -1 : a.since > b.since ? 1 : a.number - b.number;
}

function paint(s: Scene): void {
  const lines = s.feed.topics.values<BoardLine>("board").sort(oldestFirst);
  root.setAttribute("data-trust", s.trust);
  line.paint(s.feed);
  const lost = s.trust === "lost";
  const empty = lines.length === 0;
  const first = !s.feed.now().lastFrame;
  lists.hidden = empty || lost || first;
  idle.hidden = !empty || lost || first;
  ask.hidden = !lost;
  setText(idleClock, clock(s.now));
  paintStrip(s);
  paintGroup(making, lines.filter((l) => l.status !== "ready"), s.now);
  paintGroup(ready, lines.filter((l) => l.status === "ready"), s.now);
}

function paintStrip(s: Scene): void {
  const told = s.feed.topics.values<Announcement>("announcements").sort((a, b) => (a.from < b.from ? -1 : 1));
  strip.hidden = told.length === 0;
  sync(strip, told.slice(-2), (a) => a.id, () => el("li"), (e, a) => setText(e, a.text));
}

function paintGroup(g: Group, lines: BoardLine[], now: number): void {
  const last = g.fits.length - 1;
  const most = g.fits[last];
  const shown = lines.slice(0, most);
  const want = [shown.length, window.innerWidth, g.list.clientHeight].join();
  if (g.chosenFor !== want) {
    g.chosenFor = want;
    g.level = 0;
    while (g.level < last && shown.length > g.fits[g.level]) {
      g.level++;
    }
  }
  place(g, shown, now);
  // The strip below may have taken room: go on to a size that fits.
  while (g.level < last && g.list.scrollHeight > g.list.clientHeight + 1) {
    g.level++;
    place(g, shown, now);
  }
  setText(g.more, lines.length > most ? "and " + (lines.length - most) + " more" : "");
}

function place(g: Group, shown: BoardLine[], now: number): void {
  g.list.setAttribute("data-fit", String(g.level));
  const by: { [key: string]: BoardLine } = {};
  for (const l of shown) {
    by[l.number] = l;
  }
  g.places = slots(g.places, shown.map((l) => String(l.number)), g.fits[g.level]);
  const cells = g.places.map((k, i) => ({ key: k || "gap-" + i, line: by[k] }));
  sync(g.list, cells, (c) => c.key, (c) => (c.line ? entry() : el("li", { class: "entry is-gap", "aria-hidden": "true" })), (e, c) => c.line && update(e, c.line, now));
}

function entry(): HTMLElement {
  return el(
    "li",
    { class: "entry" },
    el("span", { class: "entry-number" }),
    el("span", { class: "entry-who" }, el("span", { class: "entry-name" }), el("span", { class: "entry-drink" }), el("span", { class: "entry-state" })),
  );
}

function update(e: HTMLElement, l: BoardLine, now: number): void {
  const [number, who] = Array.from(e.children);
  const [name, drink, state] = Array.from(who.children);
  setText(number, String(l.number));
  setText(name, l.name || "");
  setText(drink, l.drink);
  const waits = now ? now - Date.parse(l.since) : 0;
  const isReady = l.status === "ready";
  setAttr(e, "data-status", l.status);
  setAttr(e, "data-new", isReady && now && waits < newMs ? "yes" : "");
  setAttr(e, "data-waits", !isReady || waits < waitingMs ? "" : waits < lastCallMs ? "long" : "last");
  const words = !isReady ? boardWords[l.status] : waits < waitingMs ? "" : waits < lastCallMs ? "Waiting for you" : "Last call";
  if (state.getAttribute("data-words") !== words + l.status) {
    state.setAttribute("data-words", words + l.status);
    fill(state, isReady ? null : mark(l.status), words);
  }
}

const { feed } = screen({
  topics: ["board", "announcements"],
  paint,
  idle: () => feed.topics.entries("board").length === 0,
});
