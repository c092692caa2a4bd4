// The barista's tablet: three lanes, one press a step.
import type { Announcement, Item, Order, Session } from "../cafe";
import { Commands } from "../client/commands";
import type { Feed } from "../client/feed";
import { hubClock, trust } from "../client/freshness";
import type { Problem } from "../client/problem";
import { Alerts } from "../ui/alerts";
import { el, fill, setAttr, setText, sync } from "../ui/dom";
import { follow } from "../ui/follow";
import { lanes } from "../ui/kitchen";
import { liveLine } from "../ui/liveline";
import { mark } from "../ui/mark";
import { Sound } from "../ui/tone";
import { card, updateCard, type CardActions } from "./card";
import { Announce, Screens } from "./forms";
import { isStaff, login } from "./login";
import { Stock } from "./stock";

const undoMs = 5000;
const root = document.getElementById("app")!;
const commands = new Commands();

/** The counter: what a signed-in barista works with. */
class Counter {
  private readonly line = liveLine({ class: "state", clock: "seconds" });
  private readonly sound = new Sound();
  private readonly alerts = new Alerts((t) => this.sound.play(t));
  private readonly soundOff = el("span", { class: "state-sound" });
  private readonly lists: { [lane: string]: { section: HTMLElement; list: HTMLElement; total: HTMLElement } } = {};
  private readonly toast = el("div", { class: "toast", role: "status", hidden: true });
  private readonly busy = new Set<string>();
  private asking = "";
  private toastTimer = 0;
  private ticking = 0;
  private readonly feed: Feed;
  private readonly stock = new Stock((i, on, left) => this.setAvailable(i, on, left, true));
  private readonly announce = new Announce(
    (text, until) => this.send("announce", "POST", "/v1/announcements", { text, ...(until ? { until } : {}) }),
    (a) => void this.try("announcements/" + a.id, "DELETE", "/v1/announcements/" + a.id),
    () => this.now || Date.now(),
  );
  private readonly screens = new Screens((code, name) => this.send("screen/" + code, "POST", "/v1/screens", { code, name }));

  constructor(private readonly leave: (why: string) => void) {
    const button = (word: string, press: () => void): HTMLElement => el("button", { class: "button", type: "button", onclick: press }, word);
    fill(
      root,
      el(
        "header",
        { class: "counter-top" },
        el("h1", {}, "Barista"),
        this.line.element,
        this.soundOff,
        el(
          "nav",
          { class: "counter-tools", "aria-label": "Tools" },
          button("Sold out", () => this.stock.open(this.items)),
          button("Announce", () => this.announce.open(this.told)),
          button("Screens", () => this.screens.open()),
          button("Sign out", () => this.signOut()),
        ),
      ),
      el("main", { class: "counter" }, this.lane("new", "New", mark("placed")), this.lane("making", "Making", mark("preparing")), this.lane("ready", "Ready", mark("ready"))),
      this.toast,
    );
    this.feed = follow({
      topics: ["kitchen", "menu", "announcements"],
      pace: "attentive",
      onChange: () => this.paint(),
      onStatus: (s) => {
        if (s.state === "refused") {
          this.stop();
          this.leave(s.problem ? s.problem.message : "");
        } else {
          this.paint();
        }
      },
      ticket: () => commands.once<{ ticket: string }>("POST", "/v1/feed/ticket").then((t) => t.ticket),
    });
    this.ticking = window.setInterval(() => this.paint(), 1000);
    this.feed.start();
  }

  private stop(): void {
    clearInterval(this.ticking);
    this.feed.stop();
  }

  private lane(id: string, name: string, disc: SVGElement): HTMLElement {
    const list = el("div", { class: "cards" });
    const total = el("span", { class: "lane-total" });
    const section = el("section", { class: "lane", "data-lane": id, "aria-labelledby": "lane-" + id }, el("h2", { id: "lane-" + id }, disc, name, total), list);
    this.lists[id] = { section, list, total };
    return section;
  }

  private get now(): number {
    return hubClock(this.feed.now(), Date.now(), this.feed.pace);
  }

  private get items(): Item[] {
    return this.feed.topics.values<Item>("menu");
  }

  private get told(): Announcement[] {
    return this.feed.topics.values<Announcement>("announcements");
  }

  private paint(): void {
    const t = trust(this.feed.now(), Date.now(), this.feed.pace);
    const orders = this.feed.topics.values<Order>("kitchen");
    const by = lanes(orders);
    this.line.paint(this.feed);
    setAttr(root, "data-trust", t);
    setText(this.soundOff, this.sound.blocked ? "Sound off: tap anywhere" : "");
    this.paintLane("new", by.new, "Nothing new");
    this.paintLane("making", by.making, "Nothing in the works");
    this.paintLane("ready", by.ready, "Nothing waits to be picked up");
    this.stock.paint(this.items);
    this.announce.paint(this.told);
    this.alerts.hear(orders, { trust: t, now: this.now });
  }

  private paintLane(id: string, orders: Order[], none: string): void {
    const l = this.lists[id];
    setText(l.total, orders.length ? String(orders.length) : "");
    setAttr(l.list, "data-none", this.feed.now().lastFrame && orders.length === 0 ? none : "");
    sync(l.list, orders, (o) => o.id, card, (e, o) => updateCard(e, o, this.now, this.actions));
  }

  private readonly actions: CardActions = {
    step: (o, step, body) => {
      if (this.busy.has(o.id)) {
        return;
      }
      this.busy.add(o.id);
      this.asking = "";
      this.paint();
      this.try("orders/" + o.id + "/" + step, "POST", "/v1/orders/" + o.id + "/" + step, body).then(() => {
        this.busy.delete(o.id);
        this.paint();
      });
    },
    ask: (o, open) => {
      this.asking = open ? o.id : "";
      this.paint();
    },
    busy: (o) => this.busy.has(o.id),
    asking: (o) => this.asking === o.id,
  };

  private send(slot: string, method: string, path: string, body?: unknown): Promise<unknown> {
    return commands.send(slot, method, path, body);
  }

  /** Sends a command and says so when it was refused. */
  private try(slot: string, method: string, path: string, body?: unknown): Promise<boolean> {
    return this.send(slot, method, path, body).then(
      () => true,
      (p: Problem) => {
        if (p.signIn) {
          this.stop();
          this.leave(p.message);
        } else if (p.code !== "illegal_transition") {
          this.say(p.message);
        } // else somebody else pressed first, and the card shows it
        return false;
      },
    );
  }

  private async setAvailable(i: Item, available: boolean, remaining: number | undefined, undo: boolean): Promise<void> {
    const done = await this.try("menu/" + i.id, "POST", "/v1/menu/" + i.id + "/availability", { available, ...(remaining !== undefined ? { remaining } : {}) });
    if (done && undo) {
      this.say(i.name + (available ? " is on sale again." : " is sold out."), () => this.setAvailable(i, i.available, i.remaining, false));
    }
  }

  private say(text: string, undo?: () => void): void {
    clearTimeout(this.toastTimer);
    const hide = (): void => {
      this.toast.hidden = true;
    };
    const press = (): void => {
      hide();
      undo!();
    };
    // A sheet covers the page, so what is said must lie within it.
    const open = document.querySelector("dialog[open]");
    (open || root).appendChild(this.toast);
    this.toast.hidden = false;
    fill(this.toast, el("span", {}, text), undo ? el("button", { class: "button", type: "button", onclick: press }, "Undo") : null);
    this.toastTimer = window.setTimeout(hide, undoMs);
  }

  private signOut(): void {
    commands.once("DELETE", "/v1/session").then(
      () => {
        this.stop();
        this.leave("");
      },
      (p: Problem) => this.say(p.message),
    );
  }
}

function open(why: string): void {
  login(root, commands, why, () => new Counter(open));
}

function start(): void {
  commands.once<Session>("GET", "/v1/session").then(
    (s) => (isStaff(s) ? void new Counter(open) : open("")),
    (p: Problem) => (p.passing ? void setTimeout(start, 2000) : open("")),
  );
}

start();
