// Chromium, with pages as the devices of a café.
import { AxeBuilder } from "@axe-core/playwright";
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { chromium } from "playwright-core";

export const flags = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"];
flags.push("--disable-background-networking", "--disable-component-update", "--disable-sync");

export const artifacts = path.resolve(process.env.ARTIFACTS || "artifacts", "pages");

const devices = {
  tv: { viewport: { width: 1920, height: 1080 }, colorScheme: "dark" },
  phone: { viewport: { width: 390, height: 844 }, colorScheme: "light", hasTouch: true, isMobile: true, deviceScaleFactor: 2 },
  tablet: { viewport: { width: 1180, height: 820 }, colorScheme: "light", hasTouch: true },
};

export class Browser {
  #browser;
  /** What pages complained about, beyond answers that they expect. */
  complaints = [];

  static async launch(hub) {
    const b = new Browser();
    b.hub = hub;
    fs.mkdirSync(artifacts, { recursive: true });
    b.#browser = await chromium.launch({ executablePath: process.env.CHROMIUM || "/usr/bin/chromium", args: flags });
    return b;
  }

  /** A device of its own, signed in as a role if one is named, at the address by which it reaches the hub. */
  async device(kind, { role, base = this.hub.base, ...more } = {}) {
    const context = await this.#browser.newContext({ ...devices[kind], ignoreHTTPSErrors: true, locale: "en-IE", ...more });
    context.setDefaultTimeout(15000);
    if (role) {
      const answer = await context.request.post(base + "/v1/session", { data: { token: this.hub.token(role) } });
      assert.equal(answer.status(), 200, await answer.text());
    }
    return context;
  }

  async open(context, address) {
    const page = await context.newPage();
    listen(page, address, this.complaints);
    await page.goto(address.startsWith("http") ? address : this.hub.base + address);
    return page;
  }

  async close() {
    await this.#browser.close();
  }
}

/** Takes down what a page complains about, beyond what is part of the tests. */
export function listen(page, address, complaints) {
  page.on("pageerror", (e) => complaints.push(`${address}: ${e.stack}`));
  page.on("console", (m) => {
    // Answers like "not signed in", a hub that is down and wires that do not get through are part of the tests.
    if (m.type() === "error" && !/Failed to load resource|^WebSocket connection to|^Failed to establish a connection to/.test(m.text())) {
      complaints.push(`${address}: ${m.text()}`);
    }
  });
}

export async function shot(page, name) {
  await page.screenshot({ path: path.join(artifacts, name + ".png") });
}

/** Asserts that axe finds nothing, by the rules of WCAG 2.2 A and AA and good practice. */
export async function accessible(page, what, except = []) {
  // What is half faded in has half its contrast.
  await page.waitForFunction(() => document.getAnimations().every((a) => a.playState !== "running"));
  const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
  const found = await new AxeBuilder({ page }).withTags(tags).disableRules(except).analyze();
  const words = found.violations.map((v) => `${v.id}: ${v.help}\n` + v.nodes.map((n) => `  ${n.target} ${n.failureSummary}`).join("\n"));
  assert.deepEqual(words, [], `${what} is not accessible:\n${words.join("\n")}`);
}

/**
 * Asserts that a TV page has no text below four units, and none outside the
 * safe area (5 % at each side, as sets crop).
 */
export async function fitsWall(page, what) {
  const bad = await page.evaluate(() => {
    const unit = Math.min(innerHeight / 135, innerWidth / 240);
    const safe = { left: unit * 12 - 1, top: unit * 7.5 - 1, right: innerWidth - unit * 12 + 1, bottom: innerHeight - unit * 7.5 + 1 };
    const out = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const text = walker.currentNode;
      const e = text.parentElement;
      if (!text.textContent.trim() || !e.checkVisibility({ visibilityProperty: true }) || e.closest("noscript, script")) {
        continue;
      }
      const range = document.createRange();
      range.selectNodeContents(text);
      const size = parseFloat(getComputedStyle(e).fontSize);
      if (size < unit * 4 - 0.1) {
        out.push(`"${text.textContent}" is ${(size / unit).toFixed(1)} u`);
      }
      for (const r of range.getClientRects()) {
        const clipped = e.closest(".unseen, .live-by, .entries, .lane-body, .wall, .batches, .strip, .entry-who, .ticket-name");
        const c = clipped ? clipped.getBoundingClientRect() : r;
        const box = { left: Math.max(r.left, c.left), top: Math.max(r.top, c.top), right: Math.min(r.right, c.right), bottom: Math.min(r.bottom, c.bottom) };
        if (box.right > box.left && box.bottom > box.top && (box.left < safe.left || box.top < safe.top || box.right > safe.right || box.bottom > safe.bottom)) {
          out.push(`"${text.textContent}" is outside the safe area`);
        }
      }
    }
    return out;
  });
  assert.deepEqual(bad, [], `${what} does not fit a wall`);
}

/**
 * What a kitchen screen shows: of New, Making and Ready the numbers, and what
 * it says of those that wait. Asserts that no ticket is cut or covers another.
 */
export async function wall(page) {
  const { lanes, bad } = await page.evaluate(() => {
    const bad = [];
    const rect = (e) => e.getBoundingClientRect();
    const lanes = [...document.querySelectorAll(".lane")].map((lane) => {
      const body = rect(lane.querySelector(".lane-body"));
      const tickets = [...lane.querySelectorAll(".ticket")];
      for (const t of tickets) {
        const r = rect(t);
        const number = t.querySelector(".ticket-number").textContent;
        if (r.height < 1 || r.top < body.top - 1 || r.bottom > body.bottom + 1 || r.left < body.left - 1 || r.right > body.right + 1) {
          bad.push(`${number} is outside its lane`);
        }
        if (t.scrollHeight > t.clientHeight + 1) {
          bad.push(`${number} is cut`);
        }
        if (tickets.map(rect).some((o) => o.top !== r.top && o.left === r.left && o.top < r.bottom && r.top < o.bottom)) {
          bad.push(`${number} is covered`);
        }
      }
      const numbers = tickets.map((t) => Number(t.querySelector(".ticket-number").textContent)).sort((a, b) => a - b);
      return { numbers, waiting: lane.querySelector(".more").textContent.replace(/,.*/, "") };
    });
    return { lanes, bad };
  });
  assert.deepEqual(bad, []);
  return lanes;
}
