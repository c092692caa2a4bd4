// The pages on every wire: on a network that lets everything through, on one
// without datagrams, on one without upgrades either, and on one that stops
// carrying datagrams in the middle.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { accessible, Browser, fitsWall, shot } from "./browser.mjs";
import { Hub } from "./hub.mjs";
import { Network } from "./network.mjs";
import { onWire, remembers, words } from "./onwire.mjs";

/** Two and a half beats of a second, and how often that is looked at. */
const stallMs = 3000;

let hub;
let browser;

before(async () => {
  hub = await Hub.make();
  await hub.start();
  browser = await Browser.launch(hub);
});

after(async () => {
  await browser?.close();
  await hub?.remove();
});

/** The four pages on a network, each on a device of its own. */
async function pages(network) {
  const made = {};
  for (const [kind, name, role] of [["phone", "order", "customer"], ["tablet", "barista", "barista"], ["tv", "display", "display"], ["tv", "board"]]) {
    made[name] = await browser.open(await browser.device(kind, { role, base: network.base }), network.base + "/" + name);
  }
  return made;
}

async function close(all) {
  await Promise.all(Object.values(all).map((p) => p.context().close()));
}

let orders = 0;

/** Orders on the phone and sees it through on the other three pages. */
async function orderOn({ order, barista, display, board }) {
  const name = "Guest" + ++orders; // the board shows first names
  await order.click('button.item:has-text("Flat white")');
  await order.click('.sheet[open] button:has-text("Add")');
  await order.click(".basket button");
  await order.fill("#cart-name", name);
  await order.click('button:has-text("Place order")');
  await Promise.all([
    display.waitForSelector(`.ticket:has-text("${name}")`),
    board.waitForSelector(`.making .entry:has-text("${name}")`),
    barista.locator(`.card:has-text("${name}") button:has-text("Accept")`).click(),
  ]);
  await order.waitForSelector('.mine:has-text("Accepted")');
  return name;
}

for (const [wire, what, lets] of [
  ["wt", "everything passes", {}],
  ["ws", "datagrams vanish", { datagrams: false }],
  ["sse", "datagrams vanish and upgrades are refused", { datagrams: false, upgrades: false }],
]) {
  test(`where ${what}, pages are live on ${words[wire]}`, async () => {
    const network = await Network.open(hub, lets);
    const all = await pages(network);
    for (const page of Object.values(all)) {
      await onWire(page, wire);
    }
    await orderOn(all);
    for (const [name, page] of Object.entries(all)) {
      await page.waitForSelector(`[data-wire="${wire}"]`);
      await accessible(page, `${name} on ${wire}`);
      await shot(page, `${name}-on-${wire}`);
    }
    await fitsWall(all.display, "the kitchen on " + wire);
    await fitsWall(all.board, "the board on " + wire);
    await close(all);
    await network.close();
  });
}

test("a device where datagrams vanished begins with what worked the last time", async () => {
  const network = await Network.open(hub, { datagrams: false });
  const context = await browser.device("tv", { base: network.base });
  const page = await browser.open(context, network.base + "/board");
  await onWire(page, "ws");
  await page.addInitScript(() => {
    window.tried = 0;
    const Real = WebTransport;
    window.WebTransport = class extends Real {
      constructor(...a) {
        super(...a);
        window.tried++;
      }
    };
  });
  // Past the moment in which a better wire may still be remembered.
  await page.waitForFunction(remembers, "ws");
  await page.reload();
  await page.waitForSelector('[data-wire="ws"]');
  assert.equal(await page.evaluate(() => window.tried), 0, "it waited for a wire that it knew to be blocked");
  await context.close();
  await network.close();
});

test("when datagrams vanish mid-way, pages go on by WebSocket without a gap", async () => {
  const network = await Network.open(hub);
  const all = await pages(network);
  for (const page of Object.values(all)) {
    await onWire(page, "wt");
  }
  const before = await orderOn(all);
  const { order, barista, display, board } = all;
  // What is shown is never taken away and shown again.
  await display.evaluate((name) => {
    window.lost = 0;
    const there = () => [...document.querySelectorAll(".ticket")].some((e) => e.textContent.includes(name));
    new MutationObserver(() => there() || window.lost++).observe(document.body, { childList: true, subtree: true });
  }, before);
  network.blockDatagrams();
  const began = Date.now();
  // Another device's order, while nobody here can hear of it.
  await hub.curlOrder("--http1.1");
  await Promise.all([display, board, barista].map((p) => p.waitForSelector('[data-wire="ws"]')));
  const took = Date.now() - began;
  assert.ok(took < 2 * stallMs, `it took ${took} ms to notice and to go on`);
  await Promise.all([display.waitForSelector('.ticket:has-text("Latte")'), board.waitForSelector('.making .entry:has-text("Latte")'), barista.waitForSelector('.card:has-text("Latte")')]);
  assert.equal(await barista.locator('.card:has-text("Latte")').count(), 1);
  await barista.locator(`.card:has-text("${before}") button:has-text("Start")`).click();
  await display.waitForSelector(`.ticket[data-status="preparing"]:has-text("${before}")`);
  await order.waitForSelector('.mine:has-text("Being made")');
  await order.waitForSelector('[data-wire="ws"]');
  assert.equal(await display.evaluate(() => window.lost), 0);
  await close(all);
  await network.close();
});

/** In the page: the hashes that the hub tells. */
async function hashes() {
  const answer = await fetch("/v1/hub");
  return (await answer.json()).certificate_hashes;
}

/** In the page: whether a session opens with these hashes. */
async function admits(known) {
  const decoded = known.map((h) => ({ algorithm: h.algorithm, value: Uint8Array.from(atob(h.value), (c) => c.charCodeAt(0)) }));
  const session = new WebTransport(location.origin + "/v1/feed", { serverCertificateHashes: decoded });
  session.closed.catch(() => {});
  const ready = await session.ready.then(() => true, () => false);
  session.close();
  return ready;
}

test("what a page has read of certificates outlives a turn of them", async () => {
  const network = await Network.open(hub);
  const context = await browser.device("tv", { base: network.base });
  const page = await browser.open(context, network.base + "/board");
  const read = await page.evaluate(hashes);
  const [current, next] = read.map((h) => [h]);
  assert.deepEqual(await Promise.all([read, current, next].map((h) => page.evaluate(admits, h))), [true, true, false]);
  await hub.kill();
  hub.turnCertificate();
  await hub.start();
  assert.deepEqual(await Promise.all([read, current, next].map((h) => page.evaluate(admits, h))), [true, false, true]);
  await page.waitForSelector("[data-wire]"); // and the page is live again, whichever way
  await context.close();
  await network.close();
});

test("a change of pace on WebTransport opens nothing new", async () => {
  const network = await Network.open(hub);
  const context = await browser.device("phone", { role: "customer", base: network.base });
  await context.addInitScript(() => {
    window.streams = window.heard = 0;
    const { createBidirectionalStream } = WebTransport.prototype;
    WebTransport.prototype.createBidirectionalStream = function () {
      window.streams++;
      return createBidirectionalStream.call(this);
    };
    const { read } = ReadableStreamDefaultReader.prototype;
    ReadableStreamDefaultReader.prototype.read = function () {
      const part = read.call(this);
      part.then(() => window.heard++).catch(() => {});
      return part;
    };
  });
  const order = await browser.open(context, network.base + "/order");
  await onWire(order, "wt");
  const before = await order.evaluate(() => window.streams);
  await order.click('button.item:has-text("Latte")');
  await order.click('.sheet[open] button:has-text("Add")');
  await order.click(".basket button");
  await order.fill("#cart-name", "Pace");
  await order.click('button:has-text("Place order")');
  await order.waitForSelector('.mine:has-text("Sent")');
  // Three beats come in three seconds while an order is open, and would in sixty when none is.
  const heard = await order.evaluate(() => window.heard);
  await order.waitForFunction((n) => window.heard >= n, heard + 3, { timeout: 10000 });
  assert.equal(await order.evaluate(() => window.streams), before);
  await context.close();
  await network.close();
});

test("no page complained", () => {
  assert.deepEqual(browser.complaints, []);
});
