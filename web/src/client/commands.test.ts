import assert from "node:assert/strict";
import { test } from "node:test";
import { Commands, type CommandEnv } from "./commands";
import { Problem, type Answerish } from "./problem";

interface Sent {
  method: string;
  url: string;
  headers: { [n: string]: string };
  body?: string;
}

function answer(status: number, body: unknown = {}, headers: { [n: string]: string } = {}): Answerish {
  return { status, headers: { get: (n) => headers[n] ?? null }, text: () => Promise.resolve(JSON.stringify(body)) };
}

/** A browser whose hub answers with the given answers in turn; null is a cut line. */
function browser(...answers: (Answerish | null)[]) {
  const sent: Sent[] = [];
  const kept = new Map<string, string>();
  let keys = 0;
  let now = 0;
  const env: CommandEnv = {
    fetch: (url, init) => {
      sent.push({ url, ...init });
      const a = answers.shift();
      return a ? Promise.resolve(a) : Promise.reject(new TypeError("Failed to fetch"));
    },
    storage: {
      getItem: (k) => kept.get(k) ?? null,
      setItem: (k, v) => void kept.set(k, v),
      removeItem: (k) => void kept.delete(k),
    },
    key: () => "key-" + ++keys,
    now: () => now,
    sleep: (ms) => {
      now += ms;
      return Promise.resolve();
    },
    random: () => 0.5,
  };
  return { env, sent, kept };
}

const latte = { items: [{ item: "latte", quantity: 1 }] };

test("an answered command is forgotten and its cursor is kept for queries", async () => {
  const { env, sent, kept } = browser(answer(201, { order: { number: 41 } }, { "Hub-Cursor": "e.9" }), answer(200, { orders: [] }));
  const commands = new Commands(env);
  assert.deepEqual(await commands.send("order", "POST", "/v1/orders", latte), { order: { number: 41 } });
  assert.equal(kept.size, 0);
  assert.equal(sent[0].headers["Idempotency-Key"], "key-1");
  assert.equal(sent[0].body, JSON.stringify(latte));
  await commands.get("/v1/orders");
  assert.equal(sent[1].headers["Hub-Cursor"], "e.9");
});

test("a cut line is tried again under the same key", async () => {
  const { env, sent } = browser(null, answer(503, { code: "unavailable" }), answer(201, {}));
  await new Commands(env).send("order", "POST", "/v1/orders", latte);
  assert.deepEqual(sent.map((s) => s.headers["Idempotency-Key"]), ["key-1", "key-1", "key-1"]);
});

test("an unanswered command keeps its key through a reload", async () => {
  const { env, sent } = browser();
  await assert.rejects(new Commands(env).send("order", "POST", "/v1/orders", latte), (e: Problem) => e.code === "unreachable");
  const tries = sent.length;
  const reloaded = new Commands(env);
  assert.equal(reloaded.pending("order")?.key, "key-1");
  await assert.rejects(reloaded.send("order", "POST", "/v1/orders", latte));
  assert.ok(sent.length > tries);
  assert.ok(sent.every((s) => s.headers["Idempotency-Key"] === "key-1"));
  await assert.rejects(reloaded.resume("order") as Promise<unknown>);
  assert.ok(sent.every((s) => s.headers["Idempotency-Key"] === "key-1"));
});

test("another wish in the same slot is another command", async () => {
  const { env, sent } = browser();
  const commands = new Commands(env);
  await assert.rejects(commands.send("order", "POST", "/v1/orders", latte));
  await assert.rejects(commands.send("order", "POST", "/v1/orders", { items: [] }));
  assert.equal(sent[sent.length - 1].headers["Idempotency-Key"], "key-2");
});

test("two presses are one command", async () => {
  const { env, sent } = browser(answer(201, { n: 1 }), answer(201, { n: 2 }));
  const commands = new Commands(env);
  const [a, b] = await Promise.all([commands.send("order", "POST", "/v1/orders", latte), commands.send("order", "POST", "/v1/orders", latte)]);
  assert.deepEqual(a, b);
  assert.equal(sent.length, 1);
});

test("a refusal is final, typed, and frees the key", async () => {
  const { env, sent, kept } = browser(
    answer(409, { code: "sold_out", detail: "The croissant is sold out.", field: "items[1]" }),
    answer(201, {}),
  );
  const commands = new Commands(env);
  await assert.rejects(commands.send("order", "POST", "/v1/orders", latte), (e: Problem) => {
    assert.equal(e.code, "sold_out");
    assert.equal(e.status, 409);
    assert.equal(e.field, "items[1]");
    assert.equal(e.message, "The croissant is sold out.");
    return true;
  });
  assert.equal(kept.size, 0);
  await commands.send("order", "POST", "/v1/orders", latte);
  assert.equal(sent[1].headers["Idempotency-Key"], "key-2");
});

test("an answer cut off in its middle is asked for again", async () => {
  const cut: Answerish = { status: 201, headers: { get: () => null }, text: () => Promise.reject(new TypeError("network")) };
  const { env, sent } = browser(cut, answer(201, { ok: 1 }));
  assert.deepEqual(await new Commands(env).send("s", "POST", "/v1/orders", latte), { ok: 1 });
  assert.equal(sent[1].headers["Idempotency-Key"], "key-1");
});

test("what is asked once is neither kept nor repeated", async () => {
  const { env, sent, kept } = browser(null);
  await assert.rejects(new Commands(env).once("POST", "/v1/session", { token: "secret" }), (e: Problem) => e.code === "unreachable");
  assert.equal(sent.length, 1);
  assert.equal(kept.size, 0);
});

test("an answer that is no problem+json still says something", async () => {
  const { env } = browser({ status: 404, headers: { get: () => null }, text: () => Promise.resolve("<html>") });
  await assert.rejects(new Commands(env).send("s", "POST", "/nothing"), (e: Problem) => e.code === "status_404" && e.message.includes("404"));
});
