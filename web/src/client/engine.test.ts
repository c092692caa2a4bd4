import assert from "node:assert/strict";
import { test } from "node:test";
import { familyOf, manners } from "./engine";

test("families of browsers are told by their engines", () => {
  const agents: { [agent: string]: string } = {
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/156.0.0.0 Safari/537.36": "chromium",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36 Edg/156.0.0.0": "chromium",
    "Mozilla/5.0 (Web0S; Linux/SmartTV) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/53.0.2785.34 Safari/537.36": "chromium",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 26_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.4 Mobile/15E148 Safari/604.1": "webkit",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 26_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/156.0.0.0 Mobile/15E148 Safari/604.1": "webkit",
    "Mozilla/5.0 (iPad; CPU OS 26_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) FxiOS/155.0 Mobile/15E148 Safari/605.1.15": "webkit",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.4 Safari/605.1.15": "webkit",
    "Mozilla/5.0 (X11; Linux x86_64; rv:155.0) Gecko/20100101 Firefox/155.0": "firefox",
    "curl/8.14.1": "other",
  };
  for (const agent of Object.keys(agents)) {
    assert.equal(familyOf(agent), agents[agent], agent);
  }
});

test("on WebKit alone sessions are replaced, well before 12 MiB and 5,000 streams, and send no datagrams", () => {
  const { rotation, datagrams } = manners("webkit");
  assert.ok(rotation && rotation.bytes > 1 << 20 && rotation.bytes < 12 << 20);
  assert.ok(rotation.streams > 1000 && rotation.streams < 5000);
  assert.equal(datagrams, false);
  for (const family of ["chromium", "firefox", "other"] as const) {
    assert.deepEqual(manners(family), { datagrams: true });
  }
});
