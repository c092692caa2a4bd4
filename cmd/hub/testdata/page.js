// Follows feeds in a page, in every way a page can, and tells what comes by
// report(), a binding: {feed, open} once, {feed, line} for each frame, and
// {feed, end}, where "" is an end in good order.
(() => {
  const feeds = new Map(); // how to leave, by number

  const bytes = (base64) => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));

  async function lines(stream, take) {
    let rest = "";
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      const whole = (rest + text).split("\n");
      rest = whole.pop();
      whole.forEach(take);
    }
  }

  const ways = {
    async ndjson(feed, ask, tell) {
      const stop = new AbortController();
      feeds.set(feed, () => stop.abort());
      const headers = { Accept: "application/x-ndjson" };
      const answer = await fetch(ask.query, { headers, signal: stop.signal });
      if (!answer.ok) {
        throw new Error(`${answer.status} ${await answer.text()}`);
      }
      tell({ open: "fetch" });
      await lines(answer.body, (line) => tell({ line }));
      return "";
    },

    sse(feed, ask, tell) {
      const source = new EventSource(ask.query);
      feeds.set(feed, () => source.close());
      return new Promise((ended) => {
        source.onopen = () => tell({ open: "EventSource" });
        source.onmessage = (e) => tell({ line: e.data });
        source.onerror = () => {
          // It would come back by itself to a hub that is there.
          const again = source.readyState === EventSource.CONNECTING;
          source.close();
          ended(again ? "" : "the EventSource gave up");
        };
      });
    },

    ws(feed, ask, tell) {
      const socket = new WebSocket(`wss://${location.host}/v1/feed`);
      feeds.set(feed, () => socket.close());
      return new Promise((ended) => {
        socket.onopen = () => {
          socket.send(ask.line);
          tell({ open: "HTTP/1.1" });
        };
        socket.onmessage = (e) => tell({ line: e.data });
        socket.onclose = (e) => ended(e.wasClean && e.code === 1001 ? "" : `close ${e.code} ${e.reason}`);
      });
    },

    async wt(feed, ask, tell) {
      const { certificate_hashes: hashes } = await (await fetch("/v1/hub")).json();
      const serverCertificateHashes = hashes.map((h) => ({ algorithm: h.algorithm, value: bytes(h.value) }));
      const session = new WebTransport(`https://${location.host}/v1/feed`, { serverCertificateHashes });
      feeds.set(feed, () => session.close());
      await session.ready;
      tell({ open: "HTTP/3" });
      const stream = await session.createBidirectionalStream();
      const writer = stream.writable.getWriter();
      await writer.write(new TextEncoder().encode(ask.line + "\n"));
      await lines(stream.readable, (line) => tell({ line }));
      session.close();
      return "";
    },
  };

  /** Makes a request, and returns what came of it. */
  window.ask = async (method, path, token, body) => {
    const headers = {};
    if (token) {
      headers.Authorization = `Bearer ${token}`;
    }
    if (body) {
      headers["Content-Type"] = "application/json";
    }
    const answer = await fetch(path, { method, headers, body: body || undefined });
    const text = await answer.text();
    const [entry] = performance.getEntriesByName(answer.url).slice(-1);
    return { status: answer.status, body: text, protocol: entry ? entry.nextHopProtocol : "" };
  };

  window.follow = (feed, wire, ask) => {
    const tell = (what) => report(JSON.stringify({ feed, ...what }));
    ways[wire](feed, ask, tell).then((end) => tell({ end }), (e) => tell({ end: String(e) }));
  };

  window.leave = (feed) => feeds.get(feed)();
})();
