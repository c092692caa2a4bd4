// Pages whose device moves: a NAT that forgets them, a network that is gone and
// back, and hours in a pocket. WebTransport goes through a relay that rebinds.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Browser } from "./browser.mjs";
import { Hub } from "./hub.mjs";
import { Network } from "./network.mjs";
import { onWire } from "./onwire.mjs";
import { recorder, seen } from "./recorder.mjs";
import { Tabs } from "./tabs.mjs";

/** What a page may take to be right when it is shown, or when the network is back. */
const rightMs = 1000;
/** A page that has something to wait for sends so often. */
const beatMs = 1000;
/** What the relay, the hub and the page add to a wait on a machine with much to do. */
const slackMs = 250;

let hub;
let browser;
let tabs;

before(async () => {
  hub = await Hub.make();
  await hub.start();
  browser = await Browser.launch(hub);
  tabs = await Tabs.launch();
});

after(async () => {
  await tabs?.close();
  await browser?.close();
  await hub?.remove();
});

const latte = [{ item: "latte", quantity: 1 }];

/** Places an order and returns it; its number is on the board from then on. */
async function place() {
  const { order } = await hub.command("barista", "/v1/orders", { name: "Ada", items: latte });
  return order;
}

async function step(order, name) {
  return hub.command("barista", `/v1/orders/${order.id}/${name}`);
}

/** A set on a network of its own, until the test is over. */
async function device(t, more) {
  const network = await Network.open(hub);
  const context = await browser.device("tv", { base: network.base, ...more });
  t.after(async () => {
    await context.close();
    await network.close();
  });
  await context.addInitScript(recorder);
  return { network, context };
}

/** The board on such a set, on WebTransport. */
async function board(t) {
  const { network, context } = await device(t);
  const page = await browser.open(context, network.base + "/board");
  await onWire(page, "wt");
  return { network, context, page };
}

/** Orders placed and declined one after the other, until it is told to end or the test is over. */
function flow(t, apartMs, openMost) {
  let on = true;
  const placed = [];
  const run = async () => {
    const open = [];
    while (on || open.length) {
      const began = Date.now();
      if (on) {
        const order = await place();
        placed.push(String(order.number));
        open.push(order);
      }
      if (!on || open.length > openMost) {
        await step(open.shift(), "decline");
      }
      await sleep(Math.max(0, apartMs - (Date.now() - began)));
    }
    return placed;
  };
  const running = run();
  running.catch(() => {}); // it is told to who ends it
  const end = () => {
    on = false;
    return running;
  };
  t.after(end);
  return { end };
}

/** Asserts that of each order the page was told once that it came and once that it went, and showed it once. */
function complete(frames, shown, numbers) {
  const times = {};
  for (const f of frames.filter((f) => f.topic === "board" && numbers.includes(f.key))) {
    const what = f.key + (f.gone ? " went" : " came");
    times[what] = (times[what] || 0) + 1;
  }
  const once = numbers.flatMap((n) => [n + " came", n + " went"]);
  assert.deepEqual(once.filter((what) => times[what] !== 1).map((what) => `${what} ${times[what] || 0} times`), []);
  assert.deepEqual(numbers.filter((n) => shown[n] !== 1).map((n) => `${n} was shown ${shown[n] || 0} times`), []);
}

/** Asserts that a page is right a second after it was shown, and returns how many ms after that it was so for good. */
async function right(page) {
  await page.waitForFunction(() => window.seen.shownAt);
  await sleep(rightMs);
  const { shownAt, rightAt } = await page.evaluate(seen);
  assert.ok(rightAt, "it is not right yet, or not any more");
  assert.ok(rightAt - shownAt < rightMs, `it took ${rightAt - shownAt} ms`);
  return Math.max(0, rightAt - shownAt);
}

/** The middle and the largest, in words. */
function spread(ms) {
  const sorted = ms.slice().sort((a, b) => a - b);
  return `median ${sorted[sorted.length >> 1]} ms, most ${sorted[sorted.length - 1]} ms of ${ms.length}`;
}

test("a NAT forgets a page that is told much: nothing is lost or repeated, and the session goes on", async (t) => {
  const { network, page } = await board(t);
  const began = await page.evaluate(seen);
  const orders = flow(t, 50, 16);
  await sleep(1500);
  const rebound = [];
  for (let i = 0; i < 10; i++) {
    network.rebind();
    rebound.push(Date.now());
    await sleep(500 + 37 * i);
    assert.ok(network.reached, "the hub never found the page again");
  }
  const numbers = await orders.end();
  await page.waitForFunction((n) => window.seen.frames.some((f) => f.key === n && f.gone), numbers[numbers.length - 1]);
  const { frames, shown, sessions, sockets, streams } = await page.evaluate(seen);
  complete(frames, shown, numbers);
  assert.deepEqual({ sessions, sockets, streams }, { sessions: began.sessions, sockets: began.sockets, streams: began.streams });
  // Before the first frame that was later than all around it.
  const around = (at) => frames.filter((f, i) => i && f.at > at && frames[i - 1].at < at + 500);
  const gaps = rebound.map((at) => Math.max(...around(at).map((f) => f.at - frames[frames.indexOf(f) - 1].at)));
  t.diagnostic(`gaps: ${spread(gaps)}; ${frames.length} frames`);
  assert.ok(Math.max(...gaps) < beatMs, `gaps of ${gaps} ms`);
});

test("a NAT forgets a page that is told nothing: the next heartbeat has it found, and the session goes on", async (t) => {
  const { network, page } = await board(t);
  const began = await page.evaluate(seen);
  const numbers = [];
  const waits = [];
  for (let i = 0; i < 6; i++) {
    await sleep(300 + 170 * i);
    network.rebind();
    const order = await place();
    const answered = Date.now();
    const number = String(order.number);
    numbers.push(number);
    await page.waitForFunction((n) => window.seen.frames.some((f) => f.key === n), number, { polling: 20 });
    const { frames } = await page.evaluate(seen);
    waits.push(Math.max(0, frames.find((f) => f.key === number).at - answered));
    await page.waitForFunction((n) => window.seen.shown[n], number);
    await step(order, "decline");
    await page.waitForFunction((n) => window.seen.frames.some((f) => f.key === n && f.gone), number);
  }
  const { frames, shown, sessions, sockets, streams } = await page.evaluate(seen);
  complete(frames, shown, numbers);
  assert.deepEqual({ sessions, sockets, streams }, { sessions: began.sessions, sockets: began.sockets, streams: began.streams });
  t.diagnostic(`heard again after: ${spread(waits)}`);
  assert.ok(Math.max(...waits) < beatMs + slackMs, `waits of ${waits} ms`);
});

test("a page says at once that there is no network, and is right within a second of its return", async (t) => {
  const { network, context, page } = await board(t);
  network.cut();
  const gone = Date.now();
  await context.setOffline(true); // the browser's own events; of WebTransport it stops nothing
  await page.waitForSelector('.bar-side[data-trust="catching"]:has-text("No network")', { timeout: rightMs });
  const said = Date.now() - gone;
  const order = await place();
  await sleep(4000); // long enough for what there was to be given up
  await page.evaluate((n) => {
    const number = (e) => e.querySelector(".entry-number")?.textContent === n;
    const live = () => document.querySelector('.bar-side[data-trust="live"]');
    window.seen.right = () => live() && [...document.querySelectorAll(".entry")].some(number);
    window.addEventListener("online", () => (window.seen.shownAt = Date.now()));
  }, String(order.number));
  network.mend();
  await context.setOffline(false);
  t.diagnostic(`said after ${said} ms, right ${await right(page)} ms after the network was back`);
  await step(order, "decline");
});

test("a hub that was killed is noticed within a heartbeat of its return, and nothing is lost or repeated", async (t) => {
  const { page } = await board(t);
  const orders = [await place()];
  await page.waitForFunction((n) => window.seen.shown[n], String(orders[0].number));
  await hub.kill();
  const killed = Date.now();
  await hub.start();
  const back = Date.now();
  orders.push(await place());
  const numbers = orders.map((o) => String(o.number));
  await page.waitForFunction((n) => window.seen.shown[n], numbers[1], { polling: 20 });
  const resumed = Date.now() - back;
  const { endedAt } = await page.evaluate(seen);
  t.diagnostic(`noticed ${endedAt - back} ms and resumed ${resumed} ms after its return`);
  assert.ok(endedAt >= killed, "it was not noticed");
  assert.ok(endedAt - back < beatMs + slackMs, `it was noticed after ${endedAt - back} ms`);
  await Promise.all(orders.map((o) => step(o, "decline")));
  await page.waitForFunction((all) => all.every((n) => window.seen.frames.some((f) => f.key === n && f.gone)), numbers);
  const { frames, shown } = await page.evaluate(seen);
  complete(frames, shown, numbers);
});

/** A phone with an order on its way, on a network of its own. */
async function phone(t, lets, wire) {
  const network = await Network.open(hub, lets);
  const page = await tabs.open(network.base + "/order", recorder);
  t.after(async () => {
    await tabs.forget(page);
    await network.close();
  });
  await onWire(page, wire);
  await page.click('button.item:has-text("Flat white")');
  await page.click('.sheet[open] button:has-text("Add")');
  await page.click(".basket button");
  await page.fill("#cart-name", "Ada");
  await page.click('button:has-text("Place order")');
  await page.waitForSelector('.mine:has-text("Sent to the café")');
  const id = await page.waitForFunction(() => window.seen.frames.find((f) => f.topic.startsWith("orders/") && !f.reset)?.key);
  const order = { id: await id.jsonValue() };
  // Its own wire again: an order is placed as a guest, who is followed by another feed.
  await page.waitForSelector(`[data-wire="${wire}"]`);
  await page.evaluate(() => {
    const shows = (selector) => document.querySelector(selector);
    window.seen.right = () => shows('.mine[data-status="ready"]') && shows('.state[data-trust="live"]');
  });
  return { network, page, order };
}

/** Makes what waits on the phone ready, while nobody looks at it. */
async function makeReady(order) {
  for (const name of ["accept", "start", "ready"]) {
    await step(order, name);
  }
}

const hourMs = 3600000;
const blocked = (n) => n.blockDatagrams();
const gone = { meanwhile: (n) => n.cut(), back: (n) => n.mend() || n.rebind() };
const stranded = { lets: { datagrams: false }, wire: "ws", meanwhile: (n) => n.strand() };

/**
 * What happens to a page that nobody looks at, by which wire it goes on if that
 * is certain, and whether by the same session. Chromium ends the sessions and
 * sockets of a page that it freezes, and tells the page when it goes on. Where
 * connections are gone without a word, the ticket for WebTransport is asked for
 * in vain on one of them: then another wire may be the first.
 */
const pockets = {
  "hidden for an hour": { same: true },
  "hidden for an hour and forgotten by its NAT": { same: true, meanwhile: (n) => n.rebind() },
  "hidden for an hour, with datagrams blocked since": { by: "ws", meanwhile: blocked },
  "hidden for an hour, with its network gone for a while": { by: "", ...gone },
  "hidden for an hour, on WebSocket in a network that was left": stranded,
  "frozen for an hour": { frozen: true },
  "frozen for an hour, with datagrams blocked since": { frozen: true, by: "ws", meanwhile: blocked },
  "frozen for an hour, with its network gone for a while": { frozen: true, by: "", ...gone },
  "frozen for an hour, on WebSocket in a network that was left": { frozen: true, ...stranded },
};

for (const [what, { frozen, lets, wire = "wt", by = wire, same, meanwhile = () => {}, back = () => {} }] of Object.entries(pockets)) {
  test(`a page ${what} is right within a second of being shown`, async (t) => {
    const { network, page, order } = await phone(t, lets, wire);
    const began = await page.evaluate(seen);
    await tabs.hide(page);
    const thaw = frozen && (await tabs.freeze(page));
    await sleep(300); // what it had to say about that is said
    meanwhile(network);
    await makeReady(order);
    await sleep(1500);
    back(network);
    await page.evaluate((ms) => (window.seen.skew += ms), hourMs);
    if (frozen) {
      await thaw();
    }
    await tabs.show(page);
    t.diagnostic(`right after ${await right(page)} ms`);
    const { sessions, sockets } = await page.evaluate(seen);
    assert.equal(by && (await page.getAttribute(".state", "data-wire")), by);
    if (same) {
      assert.deepEqual({ sessions, sockets }, { sessions: began.sessions, sockets: began.sockets });
    }
  });
}

test("a page that is shown while its network is gone says so within a second", async (t) => {
  const { network, page } = await phone(t, {}, "wt");
  await tabs.hide(page);
  network.cut();
  await sleep(500);
  assert.equal(await page.getAttribute(".state", "data-trust"), "live"); // it has not been silent for long enough
  await page.evaluate(() => (window.seen.right = () => document.querySelector('.state[data-trust="catching"]')));
  await tabs.show(page);
  t.diagnostic(`said after ${await right(page)} ms`);
});

test("where WebKit is given WebTransport, a session is replaced before it is stuck, and nobody sees it", async (t) => {
  const { network, context } = await device(t, { userAgent: "Mozilla/5.0 (iPhone; CPU iPhone OS 26_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.4 Mobile/15E148 Safari/604.1" });
  await context.route("**/v1/hub", async (route) => {
    const answer = await route.fetch();
    await route.fulfill({ response: answer, json: { ...(await answer.json()), policy: [{ browser: "webkit", wires: ["wt", "ws"] }] } });
  });
  const page = await browser.open(context, network.base + "/board");
  await page.waitForFunction(() => JSON.parse(localStorage.getItem("everything.wires") || "{}")[""]?.info);
  await page.reload();
  await onWire(page, "wt");
  const began = await page.evaluate(seen);
  const orders = flow(t, 50, 16);
  for (let i = 1; i <= 3; i++) {
    await sleep(1000);
    await page.evaluate(() => (window.seen.pad = 11 << 20));
    await page.waitForFunction((n) => window.seen.sessions === n, began.sessions + i);
  }
  const numbers = await orders.end();
  await page.waitForFunction((n) => window.seen.frames.some((f) => f.key === n && f.gone), numbers[numbers.length - 1]);
  const { frames, shown, sessions, sockets, streams } = await page.evaluate(seen);
  complete(frames, shown, numbers);
  assert.deepEqual({ sessions, sockets, streams }, { sessions: began.sessions + 3, sockets: began.sockets, streams: began.streams + 3 });
  const gaps = frames.slice(1).map((f, i) => f.at - frames[i].at);
  t.diagnostic(`gaps: ${spread(gaps)}`);
});

test("no page complained", () => {
  assert.deepEqual([...browser.complaints, ...tabs.complaints], []);
});
