// Ordering from a phone: choose, make it one's own, place it, follow it.
import type { Announcement, Item, Order, Session } from "../cafe";
import { isOpen } from "../cafe";
import { Commands } from "../client/commands";
import type { Feed } from "../client/feed";
import { hubClock } from "../client/freshness";
import type { Problem } from "../client/problem";
import { el, fill, setText, sync } from "../ui/dom";
import { follow } from "../ui/follow";
import { liveLine } from "../ui/liveline";
import { recall, remember } from "../ui/local";
import { favicon } from "../ui/mark";
import { clock, count, customerWords, money } from "../ui/words";
import { missing, put, request, wishWords, type Wish } from "./basket";
import { Cart, totalOf, type CartView } from "./cart";
import { Choose } from "./choose";
import { orderCard, updateCard } from "./follow";
import { MenuList } from "./menu";

/** An order that has ended is shown this long: to read why, to see it was taken. */
const endedMs = 10 * 60000;
/** An unanswered order older than this is not sent again without asking. */
const askMs = 2 * 60000;
const slot = "order";
/** How long a feed refused to nobody in particular is left alone. */
const againMs = 10000;
/** Who may order; staff do it for those without a phone. */
const orderers = ["customer", "barista", "admin"];

class Page {
  private readonly commands = new Commands();
  private readonly root = document.getElementById("app")!;
  private readonly site = this.root.getAttribute("data-site") || "";
  private readonly line = liveLine({ class: "state", clock: "no" });
  private readonly told = el("ul", { class: "told", "aria-label": "Announcements" });
  private readonly mine = el("section", { class: "mines", "aria-label": "Your orders", hidden: true });
  private readonly usual = el("div", { class: "usual", hidden: true });
  private readonly say = el("p", { class: "unseen", role: "status" });
  private readonly bar = el("div", { class: "basket", hidden: true });
  private readonly menu = new MenuList((i) => this.choose.open(i));
  private readonly choose = new Choose((w) => this.change(put(this.view.wishes, w)));
  private readonly cart: Cart;
  private readonly view: CartView;
  private session?: Session;
  private asked = false;
  private feed!: Feed;
  private placed?: Order;
  private cancelling = "";
  private statuses: { [id: string]: string } = {};

  constructor() {
    const pending = this.commands.pending(slot);
    this.view = {
      wishes: recall<Wish[]>("basket", []),
      items: new Map(),
      name: recall("name", ""),
      note: "",
      sending: false,
      unanswered: !!pending,
    };
    this.cart = new Cart({
      change: (w) => this.change(w),
      name: (v) => (this.view.name = v),
      note: (v) => (this.view.note = v),
      place: () => this.place(),
      discard: () => this.discard(),
    });
    fill(
      this.root,
      el("header", { class: "top" }, el("h1", { class: "top-title" }, this.site), this.line.element),
      el("main", { class: "page" }, this.told, this.mine, this.usual, this.menu.element),
      this.bar,
      this.say,
    );
    const open = el("button", { class: "button is-main", type: "button", onclick: () => this.cart.open(this.view) });
    this.bar.appendChild(open);
  }

  async start(): Promise<void> {
    await this.whoAmI();
    this.openFeed();
    setInterval(() => this.tick(), 1000);
    document.addEventListener("visibilitychange", () => this.pace());
    this.resume();
  }

  /** Learns who the hub takes this phone for: nobody, until a name is given. */
  private async whoAmI(): Promise<void> {
    try {
      this.session = await this.commands.once<Session>("GET", "/v1/session");
      this.asked = true;
    } catch (e) {
      this.session = undefined;
      this.asked = !(e as Problem).passing; // no hub, no answer: ask again when there is
    }
    if (this.session?.name && !this.view.name) {
      this.view.name = this.session.name;
    }
  }

  /** Whose orders are followed here; empty for nobody's. */
  private get owner(): string {
    const s = this.session;
    return s && orderers.includes(s.role) ? s.customer || s.id : "";
  }

  /** Follows what this caller may see; another caller needs another feed. */
  private openFeed(): void {
    const topics = ["menu", "announcements"];
    if (this.owner) {
      topics.push("orders/" + this.owner);
    }
    if (this.feed) {
      this.feed.stop();
    }
    this.feed = follow({
      topics,
      pace: "idle",
      onChange: () => this.paint(),
      onStatus: (s) => {
        if (s.state === "refused") {
          this.refused();
        } else if (s.state === "live") {
          this.recovered();
        }
        this.tick();
      },
      ticket: this.session ? () => this.commands.once<{ ticket: string }>("POST", "/v1/feed/ticket").then((t) => t.ticket) : undefined,
    });
    this.feed.start();
  }

  /** The session is over: what is public can still be followed. */
  private refused(): void {
    const had = this.session;
    this.session = undefined;
    window.setTimeout(() => this.openFeed(), had ? 0 : againMs);
  }

  private async recovered(): Promise<void> {
    if (!this.asked) {
      await this.whoAmI();
      if (this.session) {
        this.openFeed();
      }
    }
    this.resume();
  }

  private get orders(): Order[] {
    const all = this.feed.topics.values<Order>("orders/" + this.owner);
    const p = this.placed;
    // The answer may come before the feed does.
    return p && !all.some((o) => o.id === p.id) ? [...all, p] : all;
  }

  private paint(): void {
    const items = this.feed.topics.values<Item>("menu");
    this.view.items = new Map(items.map((i) => [i.id, i]));
    if (items.length > 0) {
      this.menu.paint(items);
    }
    this.choose.refresh(this.view.items.get(this.choose.itemID));
    this.paintTold();
    this.paintMine();
    this.paintUsual();
    this.paintBasket();
  }

  private tick(): void {
    this.line.paint(this.feed);
    this.paintMine();
    this.pace();
  }

  private pace(): void {
    const waits = document.visibilityState === "visible" && this.orders.some((o) => isOpen(o.status));
    this.feed.setPace(waits ? "attentive" : "idle");
  }

  private paintTold(): void {
    const all = this.feed.topics.values<Announcement>("announcements").sort((a, b) => (a.from < b.from ? -1 : 1));
    this.told.hidden = all.length === 0;
    sync(this.told, all, (a) => a.id, () => el("li", { class: "note" }), (e, a) => setText(e, a.text));
  }

  private paintMine(): void {
    const now = hubClock(this.feed.now(), Date.now(), this.feed.pace) || Date.now();
    const shown = this.orders.filter((o) => isOpen(o.status) || now - Date.parse(o.ended_at || o.placed_at) < endedMs).sort((a, b) => (a.placed_at < b.placed_at ? 1 : -1));
    this.mine.hidden = shown.length === 0;
    sync(this.mine, shown, (o) => o.id, orderCard, (e, o) => updateCard(e, o, (x) => this.cancel(x), this.cancelling === o.id));
    for (const o of shown) {
      if (this.statuses[o.id] && this.statuses[o.id] !== o.status) {
        setText(this.say, "Order " + o.number + ": " + customerWords[o.status]);
        navigator.vibrate?.(o.status === "ready" ? [120, 80, 120] : 60);
      }
      this.statuses[o.id] = o.status;
    }
    this.paintTab(shown.find((o) => isOpen(o.status)));
  }

  /** The tab carries the step, for those who look elsewhere. */
  private paintTab(o: Order | undefined): void {
    const title = o ? o.number + " · " + customerWords[o.status] : "Order · " + this.site;
    if (document.title === title) {
      return;
    }
    document.title = title;
    const icon = document.querySelector<HTMLLinkElement>('link[rel="icon"]');
    if (icon) {
      icon.href = o ? favicon(o.status, matchMedia("(prefers-color-scheme: dark)").matches) : "/favicon.svg";
    }
  }

  private paintUsual(): void {
    const wishes = recall<Wish[]>("usual", []);
    const words = wishes.map((w) => {
      const i = this.view.items.get(w.item);
      return i ? [i.name, ...wishWords(i, w)].join(", ").replace(/, (\S)/g, (m) => m.toLowerCase()) : "";
    });
    const can = wishes.length > 0 && !this.orders.some((o) => isOpen(o.status)) && this.view.wishes.length === 0 && wishes.every((w) => missing(this.view.items.get(w.item), w) === "");
    this.usual.hidden = !can;
    if (can) {
      const total = totalOf({ wishes, items: this.view.items });
      fill(
        this.usual,
        el("div", { class: "usual-text" }, el("p", { class: "usual-head" }, "Your usual"), el("p", { class: "usual-what" }, words.join(" · ") + " · " + money(total))),
        el(
          "button",
          {
            class: "button",
            type: "button",
            onclick: () => {
              this.change(wishes);
              this.cart.open(this.view);
            },
          },
          "Order again",
        ),
      );
    }
  }

  private paintBasket(): void {
    const n = this.view.wishes.reduce((sum, w) => sum + w.quantity, 0);
    this.bar.hidden = n === 0 && !this.view.unanswered;
    const pending = this.commands.pending(slot);
    const words = this.view.unanswered && !this.view.sending && pending ? "Your order of " + clock(pending.at) + " was not answered" : "Your order · " + count(n, "item") + " · " + money(totalOf(this.view));
    setText(this.bar.firstChild!, words);
    if (this.cart.isOpen) {
      this.cart.paint(this.view);
    }
  }

  private change(wishes: Wish[]): void {
    this.view.wishes = wishes;
    this.view.problem = undefined;
    remember("basket", wishes);
    this.paintUsual();
    this.paintBasket();
    if (wishes.length === 0 && !this.view.unanswered) {
      this.cart.close();
    }
  }

  private async place(): Promise<void> {
    if (this.view.sending) {
      return;
    }
    remember("name", this.view.name.trim());
    this.sending(true);
    try {
      this.ordered(await this.send());
    } catch (e) {
      this.failed(e as Problem);
    }
  }

  /** Orders as whoever this is; a guest whose session has lapsed becomes one again. */
  private async send(again = true): Promise<Order> {
    const name = this.view.name.trim();
    const note = this.view.note.trim();
    if (!this.owner) {
      this.session = await this.commands.once<Session>("POST", "/v1/session", { name });
      this.openFeed();
    }
    try {
      const answer =
        this.commands.resume<{ order: Order }>(slot) ||
        this.commands.send<{ order: Order }>(slot, "POST", "/v1/orders", { name, items: request(this.view.wishes), ...(note ? { note } : {}) });
      return (await answer).order;
    } catch (e) {
      if (!(e as Problem).signIn || !again) {
        throw e;
      }
      this.session = undefined;
      return this.send(false);
    }
  }

  /** Sends what an earlier page, or a lost network, left unanswered. */
  private resume(): void {
    const p = this.commands.pending(slot);
    if (!p || this.view.sending || Date.now() - p.at > askMs || !this.owner) {
      this.paintBasket();
      return;
    }
    this.place();
  }

  private ordered(o: Order): void {
    this.placed = o;
    remember("usual", this.view.wishes.length ? this.view.wishes : recall("usual", []));
    this.view.note = "";
    this.view.unanswered = false;
    this.view.problem = undefined;
    this.sending(false);
    this.change([]);
    this.cart.close();
    this.paintMine();
    this.paintUsual();
    setText(this.say, "Order " + o.number + " is sent to the café");
    window.scrollTo({ top: 0 });
  }

  private failed(p: Problem): void {
    this.view.problem = p;
    this.view.unanswered = !!this.commands.pending(slot);
    this.sending(false);
  }

  private sending(on: boolean): void {
    this.view.sending = on;
    this.paintBasket();
  }

  private discard(): void {
    this.commands.forget(slot);
    this.view.unanswered = false;
    this.change(this.view.wishes);
  }

  private async cancel(o: Order): Promise<void> {
    this.cancelling = o.id;
    this.paintMine();
    try {
      await this.commands.send("orders/" + o.id + "/cancel", "POST", "/v1/orders/" + o.id + "/cancel");
    } catch (e) {
      setText(this.say, (e as Problem).message);
    }
    this.cancelling = "";
    this.paintMine();
  }
}

void new Page().start();
