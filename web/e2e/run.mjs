// An order on the phone, seen on the TV and the board, worked off on the
// tablet; the hub killed and back in between. Steps build on one another.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { accessible, Browser, fitsWall, shot, wall } from "./browser.mjs";
import { Hub } from "./hub.mjs";

let hub;
let browser;
let tv, board, phone, tablet;
/** What a page may take to show what another one did. */
const promptly = { timeout: 1000 };

before(async () => {
  hub = await Hub.make();
  await hub.start();
  browser = await Browser.launch(hub);
});

after(async () => {
  await browser?.close();
  await hub?.remove();
});

async function live(page) {
  await page.waitForSelector('[data-trust="live"]');
}

async function addToBasket(page, item, ...choices) {
  await page.click(`button.item:has-text("${item}")`);
  for (const c of choices) {
    await page.click(`.sheet[open] label:has-text("${c}")`);
  }
  await page.click('.sheet[open] button:has-text("Add")');
}

test("a barista signs in with a token, and nobody else gets in", async () => {
  tablet = await browser.open(await browser.device("tablet"), "/barista");
  await tablet.fill("#token", "not.a.token");
  await tablet.click('button:has-text("Sign in")');
  await tablet.waitForSelector('[role="alert"]:not([hidden])');
  await tablet.fill("#token", hub.token("customer"));
  await tablet.click('button:has-text("Sign in")');
  await tablet.waitForSelector('[role="alert"]:has-text("customer")');
  await accessible(tablet, "the sign-in");
  await shot(tablet, "barista-sign-in");
  await tablet.fill("#token", hub.token("barista"));
  await tablet.click('button:has-text("Sign in")');
  await live(tablet);
});

test("a screen shows a code and is let in by the tablet", async () => {
  tv = await browser.open(await browser.device("tv"), "/display");
  const code = await tv.waitForSelector('[data-code]:not([data-code=""])');
  await accessible(tv, "the pairing code");
  await fitsWall(tv, "the pairing code");
  await shot(tv, "display-pairing");
  await tablet.click('button:has-text("Screens")');
  await tablet.fill("#screen-code", await code.innerText());
  await accessible(tablet, "the screens' sheet");
  await tablet.click('button:has-text("Let it in")');
  await tablet.waitForSelector('.sheet-say:has-text("let in")');
  await tablet.keyboard.press("Escape");
  await live(tv);
  await tv.waitForSelector('text="No open orders"');
  await accessible(tv, "the idle kitchen");
  await fitsWall(tv, "the idle kitchen");
  await shot(tv, "display-idle");
});

test("the board stands idle and says so", async () => {
  board = await browser.open(await browser.device("tv"), "/board");
  await live(board);
  await board.waitForSelector('text="No orders are waiting"');
  await fitsWall(board, "the idle board");
  await shot(board, "board-idle");
});

test("an order from the phone is on the TV and the board within a second", async () => {
  phone = await browser.open(await browser.device("phone"), "/order");
  await live(phone);
  await accessible(phone, "the menu");
  await shot(phone, "order-menu");
  await phone.click('button.item:has-text("Latte")');
  await phone.waitForSelector(".sheet[open]");
  await accessible(phone, "the sheet of a drink");
  await phone.click('.sheet[open] label:has-text("Oat milk")');
  assert.match(await phone.innerText(".allergens"), /gluten/);
  assert.doesNotMatch(await phone.innerText(".allergens"), /milk/);
  await shot(phone, "order-choose");
  await phone.click('.sheet[open] button:has-text("Add")');
  await addToBasket(phone, "Croissant");
  await phone.click(".basket button");
  await phone.fill("#cart-name", "Ada");
  await phone.fill("#cart-note", "extra hot");
  await accessible(phone, "the basket");
  await shot(phone, "order-basket");
  const began = Date.now();
  await phone.dblclick('button:has-text("Place order")'); // a thumb that trembles
  await Promise.all([
    tv.waitForSelector('.ticket:has-text("Ada"):has-text("Latte"):has-text("Oat milk"):has-text("extra hot")', promptly),
    board.waitForSelector('.making .entry:has-text("Ada")', promptly),
    tablet.waitForSelector('.card:has-text("Ada")', promptly),
  ]);
  const took = Date.now() - began;
  assert.ok(took < 1000, `it took ${took} ms`);
  await phone.waitForSelector('.mine:has-text("Sent to the café")');
  assert.equal(await tv.locator(".ticket").count(), 1, "two presses are one order");
  await accessible(phone, "an order on its way");
  await shot(phone, "order-sent");
});

test("the basket works by keyboard alone", async () => {
  const page = await browser.open(await browser.device("tablet"), "/order");
  await live(page);
  await page.focus('button.item:has-text("Cortado")');
  await page.keyboard.press("Enter");
  await page.waitForSelector(".sheet[open]");
  await page.keyboard.press("Escape");
  await page.waitForSelector(".sheet[open]", { state: "detached" });
  assert.match(await page.evaluate(() => document.activeElement.textContent), /Cortado/);
  await page.keyboard.press("Enter");
  await page.focus('.sheet[open] button:has-text("Add")');
  await page.keyboard.press("Enter");
  await page.focus(".basket button");
  await page.keyboard.press("Enter");
  await page.focus("#cart-name");
  await page.keyboard.type("Bo");
  await page.keyboard.press("Enter"); // the form is placed by Enter
  await page.waitForSelector('.mine:has-text("Sent")');
  await page.context().close();
  await tv.waitForSelector('.ticket:has-text("Bo")');
});

test("the barista works it off and everybody follows", async () => {
  const mine = tablet.locator('.card:has-text("Ada")');
  await mine.locator('button:has-text("Accept")').click();
  await phone.waitForSelector('.mine:has-text("Accepted")', promptly);
  await mine.locator('button:has-text("Start")').click();
  await tv.waitForSelector('.ticket[data-status="preparing"]:has-text("Ada")', promptly);
  await tablet.locator('.card:has-text("Bo") button:has-text("Accept")').click();
  await tablet.waitForSelector('.card:has-text("Bo") button:has-text("Start")'); // until then it is dimmed
  await accessible(tablet, "the tablet");
  await shot(tablet, "barista");
  await accessible(tv, "the kitchen");
  await fitsWall(tv, "the kitchen");
  await shot(tv, "display");
  await mine.locator('button:has-text("Ready")').click();
  await board.waitForSelector('.ready .entry:has-text("Ada")', promptly);
  await phone.waitForSelector('.mine[data-status="ready"]', promptly);
  assert.match(await phone.title(), /Ready at the counter/);
  assert.match(await phone.getAttribute('link[rel="icon"]', "href"), /^data:image\/svg/);
  await accessible(board, "the board");
  await fitsWall(board, "the board");
  await shot(board, "board");
  await shot(phone, "order-ready");
});

test("declining asks why", async () => {
  const other = tablet.locator('.card:has-text("Bo")');
  await other.locator('button:has-text("Decline")').click();
  await accessible(tablet, "the question why");
  await other.locator('button:has-text("Keep it")').click();
  await other.locator('button:has-text("Decline")').click();
  await other.locator('button:has-text("Closing")').click();
  await tv.waitForSelector('.ticket:has-text("Bo")', { state: "detached" });
});

test("sold out greys the phone within a second, and can be undone", async () => {
  await tablet.click('button:has-text("Sold out")');
  await tablet.waitForSelector(".stock-item");
  await accessible(tablet, "the sold-out sheet");
  await tablet.click('.stock-item:has-text("Mocha")');
  await phone.waitForSelector('button.item.is-out:has-text("Mocha"):has-text("Sold out")', promptly);
  await shot(tablet, "barista-sold-out");
  await tablet.click('.toast button:has-text("Undo")');
  await phone.waitForSelector('button.item:not(.is-out):has-text("Mocha")', promptly);
  await tablet.click('.stock-item:has-text("Cheesecake")');
  await phone.waitForSelector('button.item.is-out:has-text("Cheesecake")', promptly);
  await tablet.keyboard.press("Escape");
});

test("what was said is on the board and on phones", async () => {
  await tablet.click('button:has-text("Announce")');
  await tablet.fill("#announce-text", "Last orders at 17:45");
  await accessible(tablet, "the announcements' sheet");
  await tablet.click(".sheet[open] button.is-main");
  await board.waitForSelector('.strip:has-text("Last orders at 17:45")', promptly);
  await phone.waitForSelector('.told:has-text("Last orders at 17:45")', promptly);
  await tablet.keyboard.press("Escape");
});

test("an engine with nothing newer follows by server-sent events", async () => {
  const context = await browser.device("tv", { role: "display" });
  await context.addInitScript(() => ["WebTransport", "WebSocket", "AbortController"].forEach((name) => delete window[name]));
  const old = await browser.open(context, "/display");
  await old.waitForSelector('.bar-side[data-wire="sse"]');
  await old.waitForSelector('.ticket:has-text("Ada")');
  await context.close();
});

test("the board needs no script, and no TLS on its own listener", async () => {
  const context = await browser.device("tv", { javaScriptEnabled: false });
  for (const address of ["/board", "/board?plain=1", hub.board + "/board"]) {
    const page = await browser.open(context, address);
    await page.waitForSelector('.ready .entry:has-text("Ada")');
    await page.waitForSelector('.strip:has-text("Last orders")');
    await page.close();
  }
  await context.close();
  const plain = await browser.open(await browser.device("tv"), hub.board + "/");
  await live(plain);
  await plain.waitForSelector('.ready .entry:has-text("Ada")');
  const kitchen = await plain.request.get(hub.board + "/v1/feed?topics=kitchen");
  assert.notEqual(kitchen.status(), 200, "the plain listener gives the kitchen away");
  await plain.context().close();
});

test("a board whose script does not run goes on without", async () => {
  const context = await browser.device("tv");
  await context.route("**/assets/board-*.js", (route) => route.fulfill({ contentType: "text/javascript", body: "new syntax ~~~" }));
  const page = await context.newPage(); // its syntax error is wanted
  await page.goto(hub.base + "/board");
  await page.waitForURL("**/board?plain=1");
  await page.waitForSelector('.ready .entry:has-text("Ada")');
  await context.close();
});

test("an order by the printed curl line, over HTTP/1.1 and HTTP/2, is on the TV within a second and survives kill -9", async () => {
  const numbers = [];
  for (const version of ["--http1.1", "--http2"]) {
    const { number } = (await hub.curlOrder(version)).order;
    const answered = Date.now();
    await tv.waitForFunction(onTicket, number, promptly);
    assert.ok(Date.now() - answered < 1000);
    numbers.push(number);
  }
  await hub.kill();
  await hub.start();
  const fresh = await browser.open(await browser.device("tv", { role: "display" }), "/display");
  for (const screen of [tv, fresh]) {
    await screen.waitForSelector('[data-trust="live"]', { timeout: 8000 });
    for (const number of numbers) {
      await screen.waitForFunction(onTicket, number);
    }
  }
  await fresh.context().close();
  await Promise.all([board, tablet, phone].map((p) => p.waitForSelector('[data-trust="live"]', { timeout: 8000 })));
});

test("in a rush the TV shows eight orders and more, none cut, and what one just switched on shows", async () => {
  const [guest, staff, screen] = await Promise.all([browser.device("phone", { role: "customer" }), browser.device("tablet", { role: "barista" }), browser.device("tv", { role: "display" })]);
  const step = (o, name) => post(staff, `/v1/orders/${o.id}/${name}`);
  const there = (await wall(tv)).map((l) => l.numbers.length);
  const counts = (...more) => there.map((n, i) => n + more[i]);
  const items = [{ item: "latte", size: "large", options: ["oat-milk"], quantity: 1 }];
  const placed = await Promise.all(Array.from({ length: 10 }, (_, i) => post(guest, "/v1/orders", { name: "Rush " + i, items, note: "extra hot" })));
  const rush = placed.map((a) => a.order).sort((a, b) => a.number - b.number);
  assert.ok((await sameWalls(screen, counts(10, 0, 0), "display-rush")) >= 8);
  await Promise.all(rush.slice(0, 5).map((o) => step(o, "accept")));
  await step(rush[0], "start");
  assert.ok((await sameWalls(screen, counts(5, 5, 0), "display-rush-making")) >= 8);
  await step(rush[0], "ready");
  await Promise.all([rush[2], rush[6]].map((o) => step(o, "decline")));
  await sameWalls(screen, counts(4, 3, 1), "display-rush-gaps");
  await step(rush[0], "pickup");
  await Promise.all(rush.filter((_, i) => ![0, 2, 6].includes(i)).map((o) => step(o, "decline")));
  await sameWalls(screen, there, "display-rush-over");
  await Promise.all([guest, staff, screen].map((c) => c.close()));
});

async function post(device, address, data = {}) {
  const answer = await device.request.post(hub.base + address, { data, headers: { "Idempotency-Key": crypto.randomUUID() } });
  assert.ok(answer.ok(), await answer.text());
  return answer.json();
}

/**
 * Waits until the TV counts so many orders in New, Making and Ready, and
 * asserts that one just switched on shows the same. Returns how many are shown
 * in New and Making.
 */
async function sameWalls(context, counts, name) {
  const fresh = await browser.open(context, "/display");
  for (const page of [tv, fresh]) {
    await page.waitForFunction((want) => [...document.querySelectorAll(".lane-count")].map((e) => Number(e.textContent)).join() === want, counts.join());
  }
  const shown = await wall(tv);
  assert.deepEqual(await wall(fresh), shown);
  shown.forEach((l, i) => assert.equal(l.waiting, counts[i] > l.numbers.length ? `+${counts[i] - l.numbers.length} waiting` : ""));
  await fitsWall(tv, name);
  await accessible(tv, name);
  await shot(tv, name);
  await fresh.close();
  return shown[0].numbers.length + shown[1].numbers.length;
}

/** In the page: whether a ticket has this number. */
function onTicket(number) {
  return [...document.querySelectorAll(".ticket-number")].some((e) => e.textContent === String(number));
}

test("while the hub is dead pages say so, and an order placed then arrives once", async () => {
  await addToBasket(phone, "Flat white");
  await phone.click(".basket button");
  await phone.fill("#cart-name", "Ada");
  await hub.kill();
  const died = Date.now();
  await phone.click('button:has-text("Place order")');
  await Promise.all([tv, board, tablet].map((p) => p.waitForSelector('[data-trust="catching"]', { timeout: 3500 })));
  await phone.waitForSelector('.state[data-trust="catching"]');
  await phone.waitForSelector('button:has-text("Try again")', { timeout: 20000 });
  await accessible(phone, "an order without an answer");
  await shot(phone, "order-unanswered");
  await Promise.all([tv, board, tablet].map((p) => p.waitForSelector('[data-trust="old"]', { timeout: 20000 })));
  assert.ok(Date.now() - died < 18000, `it took ${Date.now() - died} ms to say so`);
  await tv.waitForSelector(".bar-side:has-text('Not live · last ')");
  await tv.waitForSelector('.ticket:has-text("Ada")');
  await fitsWall(tv, "the stale kitchen");
  await accessible(tv, "the stale kitchen");
  await accessible(board, "the stale board");
  await shot(tv, "display-stale");
  await shot(board, "board-stale");
  await shot(tablet, "barista-stale");

  await hub.start();
  const back = Date.now();
  await Promise.all([tv, board, tablet].map((p) => p.waitForSelector('[data-trust="live"]', { timeout: 8000 })));
  assert.ok(Date.now() - back < 8000);
  await tv.waitForSelector('.ticket:has-text("Flat white")', { timeout: 8000 });
  await phone.waitForSelector('.mine:has-text("Flat white")');
  await tablet.waitForSelector('.card:has-text("Flat white")');
  assert.equal(await tablet.locator('.card:has-text("Flat white")').count(), 1, "the order was placed twice");
  assert.equal(await board.locator('.ready .entry:has-text("Ada")').count(), 1, "what was ready before is ready still");
});

test("a guest whose session is gone orders as a new one", async () => {
  const context = await browser.device("phone");
  const page = await browser.open(context, "/order");
  await live(page);
  for (const name of ["Cleo", "Cleo again"]) {
    await addToBasket(page, "Espresso");
    await page.click(".basket button");
    await page.fill("#cart-name", name);
    await page.click('button:has-text("Place order")');
    await tablet.waitForFunction((n) => [...document.querySelectorAll(".card-name")].some((e) => e.textContent === n), name);
    await page.waitForSelector("#cart", { state: "hidden" });
    await context.clearCookies();
  }
  await context.close();
});

test("an order survives the reload of its page", async () => {
  await phone.reload();
  await phone.waitForSelector('.mine:has-text("Flat white")');
});

test("every page is accessible in light and in dark", async () => {
  for (const scheme of ["light", "dark"]) {
    const customer = await browser.device("phone", { colorScheme: scheme });
    const staff = await browser.device("tablet", { colorScheme: scheme, role: "barista" });
    const screen = await browser.device("tv", { role: "display" });
    const pages = {
      home: [customer, "/"],
      order: [customer, "/order", "button.item"],
      barista: [staff, "/barista", ".card"],
      display: [screen, `/display?theme=${scheme}`, ".ticket"],
      board: [screen, `/board?theme=${scheme}`, ".entry"],
      "board-plain": [screen, `/board?plain=1&theme=${scheme}`, ".entry"],
      missing: [customer, "/nothing-here"],
    };
    for (const [name, [context, address, ready]] of Object.entries(pages)) {
      const page = await browser.open(context, address);
      if (ready) {
        await page.waitForSelector(ready);
      }
      // A board that nobody can scroll or press loses nothing by being reloaded.
      await accessible(page, `${name} in ${scheme}`, name === "board-plain" ? ["meta-refresh"] : []);
      await shot(page, `${name}-${scheme}`);
      await page.close();
    }
  }
});

test("screens fit every set", async () => {
  for (const [width, height] of [[1280, 720], [960, 540], [3840, 2160]]) {
    const context = await browser.device("tv", { role: "display", viewport: { width, height } });
    for (const address of ["/display", "/board", "/board?plain=1", "/display?distance=4.5"]) {
      const page = await browser.open(context, address);
      await page.waitForSelector(".ticket, .entry");
      await fitsWall(page, `${address} at ${width}×${height}`);
      await page.close();
    }
    await context.close();
  }
});

test("no page complained", () => {
  assert.deepEqual(browser.complaints, []);
});
