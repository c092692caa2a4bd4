import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeTime } from "./fake";
import { signsOf } from "./signs";

class Document extends EventTarget {
  visibilityState = "visible";
}

class Connection extends EventTarget {
  type: string | undefined = "wifi";
}

function page(connection?: Connection) {
  const time = new FakeTime();
  const from = { window: new EventTarget(), document: new Document(), connection };
  const heard: string[] = [];
  const stop = signsOf(from, time)({ check: () => heard.push("check"), offline: () => heard.push("offline") });
  /** What is heard when this happens. */
  const when = (target: EventTarget, ...events: (string | Event)[]): string[] => {
    heard.length = 0;
    events.forEach((e) => target.dispatchEvent(typeof e === "string" ? new Event(e) : e));
    time.pass(10);
    return heard.slice();
  };
  return { ...from, time, stop, when, heard };
}

test("the network is back, gone, or another", () => {
  const connection = new Connection();
  const { window, when } = page(connection);
  assert.deepEqual(when(window, "online"), ["check"]);
  assert.deepEqual(when(window, "offline"), ["offline"]);
  assert.deepEqual(when(connection, "change"), [], "only its speed was estimated again");
  connection.type = "cellular";
  assert.deepEqual(when(connection, "change"), ["check"]);
  assert.deepEqual(when(connection, "change"), []);
});

test("the page is shown, or goes on after it was frozen", () => {
  const { document, when } = page();
  assert.deepEqual(when(document, "visibilitychange"), ["check"]);
  assert.deepEqual(when(document, "resume"), ["check"]);
  assert.deepEqual(when(document, "resume", "visibilitychange"), ["check"], "once for a moment");
  document.visibilityState = "hidden";
  assert.deepEqual(when(document, "visibilitychange"), []);
  assert.deepEqual(when(document, "resume"), []);
});

test("the page comes back out of the browser's cache, but not when it is new", () => {
  const { window, when } = page();
  assert.deepEqual(when(window, "pageshow"), []);
  assert.deepEqual(when(window, Object.assign(new Event("pageshow"), { persisted: true })), ["check"]);
});

test("who does not listen any more hears nothing, also of what was about to be told", () => {
  const connection = new Connection();
  const { window, document, when, stop, time, heard } = page(connection);
  window.dispatchEvent(new Event("online"));
  stop();
  time.pass(10);
  assert.deepEqual(heard, []);
  connection.type = "none";
  assert.deepEqual([...when(window, "online", "offline"), ...when(document, "visibilitychange", "resume"), ...when(connection, "change")], []);
});
