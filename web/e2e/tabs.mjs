// Chromium as on a desk or in a pocket: its tabs are hidden and frozen as they
// are for people. In the contexts that Playwright makes every page believes that
// it is in front.
import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { chromium } from "playwright-core";
import { flags, listen } from "./browser.mjs";

export class Tabs {
  #process;
  #profile;
  #browser;
  #context;
  #blank;
  /** What pages complained about, as in browser.mjs. */
  complaints = [];

  static async launch() {
    const t = new Tabs();
    t.#profile = fs.mkdtempSync(path.join(os.tmpdir(), "everything-tabs-"));
    // Playwright waits in vain for a first window that comes while it connects.
    const own = ["--no-startup-window", "--remote-debugging-port=0", "--user-data-dir=" + t.#profile, "--ignore-certificate-errors"];
    t.#process = spawn(process.env.CHROMIUM || "/usr/bin/chromium", [...flags, ...own], { stdio: ["ignore", "ignore", "pipe"] });
    try {
      t.#browser = await chromium.connectOverCDP(await address(t.#process), { noDefaults: true });
      [t.#context] = t.#browser.contexts();
      t.#blank = await t.#context.newPage();
      return t;
    } catch (e) {
      await t.close();
      throw e;
    }
  }

  /** Opens a page in front; script is run in it before its own. */
  async open(address, script) {
    const page = await this.#context.newPage();
    page.setDefaultTimeout(15000);
    await page.addInitScript(script);
    listen(page, address, this.complaints);
    await page.goto(address);
    return page;
  }

  /** Puts another tab in front. */
  async hide(page) {
    await this.#blank.bringToFront();
    await page.waitForFunction(() => document.visibilityState === "hidden");
  }

  /**
   * Freezes a hidden page, as engines do with those hidden for minutes: no timer
   * and no event of it runs. What is returned lets it go on.
   */
  async freeze(page) {
    const devtools = await this.#context.newCDPSession(page);
    await devtools.send("Page.setWebLifecycleState", { state: "frozen" });
    return async () => {
      await devtools.send("Page.setWebLifecycleState", { state: "active" });
      await devtools.detach();
    };
  }

  async show(page) {
    await page.bringToFront();
  }

  /** Closes a page, and takes what its site left behind from the next. */
  async forget(page) {
    await page.evaluate(() => [localStorage, sessionStorage].forEach((s) => s.clear()));
    await this.#context.clearCookies();
    await page.close();
  }

  async close() {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      const gone = once(this.#process, "exit");
      // Asked to end it takes its children with it, who write to the profile.
      const asked = this.#browser && (await this.#browser.newBrowserCDPSession());
      await (asked ? asked.send("Browser.close") : this.#process.kill());
      await gone;
    }
    fs.rmSync(this.#profile, { recursive: true, force: true });
  }
}

/** Where Chromium says that it can be driven. */
function address(process) {
  return new Promise((found, failed) => {
    let said = "";
    process.once("exit", (code) => failed(new Error(`Chromium ended with ${code}:\n${said}`)));
    process.stderr.setEncoding("utf8").on("data", (text) => {
      said += text;
      const at = said.match(/DevTools listening on (ws:\S+)/);
      if (at) {
        found(at[1]);
      }
    });
  });
}
