// What lies between a device and the hub: a network that lets through what it
// was told to. Datagrams that it does not let through vanish without a word.
import dgram from "node:dgram";
import { once } from "node:events";
import https from "node:https";
import net from "node:net";

export class Network {
  #hub;
  #tcp;
  #udp;
  /** The way of each sender of datagrams to the hub, by its port. */
  #ways = new Map();
  /** The ways that something from the hub has come by. */
  #reached = new WeakSet();
  #sockets = new Set();
  /** Of each connection that bytes are passed on of, the one to the hub. */
  #passed = new Map();
  #datagrams;
  #whole = true;

  /**
   * Opens a network on a port of its own. Without upgrades it is a proxy that
   * ends TLS and refuses each request to change the protocol; with them it
   * passes bytes on unread.
   */
  static async open(hub, { datagrams = true, upgrades = true } = {}) {
    const n = new Network();
    n.#hub = hub;
    n.#datagrams = datagrams;
    n.#tcp = upgrades ? net.createServer((s) => n.#pass(s)) : n.#proxy();
    n.#tcp.on("connection", (s) => {
      n.#sockets.add(s);
      s.on("close", () => n.#sockets.delete(s)).on("error", () => s.destroy());
    });
    for (;;) {
      n.#tcp.listen(0, "127.0.0.1");
      await once(n.#tcp, "listening");
      n.#udp = dgram.createSocket("udp4").on("message", (m, from) => n.#carry(m, from.port));
      n.#udp.bind(n.#tcp.address().port, "127.0.0.1");
      if (await Promise.race([once(n.#udp, "listening").then(() => true), new Promise((done) => n.#udp.once("error", () => done(false)))])) {
        break;
      }
      n.#tcp.close(); // somebody has this number for datagrams: take another
      await once(n.#tcp, "close");
    }
    n.base = `https://127.0.0.1:${n.#tcp.address().port}`;
    return n;
  }

  /** From now on no datagram arrives, in either direction. */
  blockDatagrams() {
    this.#datagrams = false;
  }

  /** What a NAT does that forgot everybody: all come to the hub from another port, and what is sent to the old ones is lost. */
  rebind() {
    for (const [port, way] of this.#ways) {
      way.close();
      this.#ways.set(port, this.#way(port));
    }
  }

  /** Whether the hub has found somebody by where they are now. */
  get reached() {
    return [...this.#ways.values()].some((way) => this.#reached.has(way));
  }

  /** From now on nothing arrives, in either direction, and nobody is told. */
  cut() {
    this.#whole = this.#datagrams = false;
    this.strand();
  }

  /** Carries again what begins from now on, and datagrams. */
  mend() {
    this.#whole = this.#datagrams = true;
  }

  /** The connections that there are carry nothing any more, and nobody is told: as those of a network that was left. */
  strand() {
    for (const [socket, up] of this.#passed) {
      for (const [from, to] of [[socket, up], [up, socket]]) {
        from.unpipe(to);
        from.pause();
      }
    }
  }

  #pass(socket) {
    if (!this.#whole) {
      return;
    }
    const up = net.connect(this.#hub.port, "127.0.0.1");
    this.#passed.set(socket, up);
    up.on("error", () => socket.destroy());
    socket.on("close", () => this.#passed.delete(socket) && up.destroy());
    up.on("close", () => socket.destroy());
    socket.pipe(up).pipe(socket);
  }

  #carry(message, port) {
    if (!this.#datagrams) {
      return;
    }
    if (!this.#ways.has(port)) {
      this.#ways.set(port, this.#way(port));
    }
    this.#ways.get(port).send(message, this.#hub.port, "127.0.0.1");
  }

  #way(port) {
    const way = dgram.createSocket("udp4").on("message", (m) => {
      if (this.#datagrams) {
        this.#reached.add(way);
        this.#udp.send(m, port, "127.0.0.1");
      }
    });
    return way.on("error", () => {}); // a hub that is down
  }

  #proxy() {
    const own = this.#hub.certificate();
    const agent = new https.Agent({ keepAlive: true, rejectUnauthorized: false, checkServerIdentity: () => undefined });
    const server = https.createServer({ cert: own, key: own, ALPNProtocols: ["http/1.1"] }, (q, a) => {
      const up = https.request({ host: "127.0.0.1", port: this.#hub.port, method: q.method, path: q.url, headers: q.headers, agent }, (r) => {
        a.writeHead(r.statusCode, r.headers);
        a.flushHeaders();
        r.pipe(a);
      });
      up.on("error", () => a.destroy());
      a.on("close", () => up.destroy());
      q.pipe(up);
    });
    return server.on("upgrade", (q, socket) => socket.end("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"));
  }

  async close() {
    for (const s of this.#sockets) {
      s.destroy();
    }
    this.#tcp.close();
    this.#udp.close();
    this.#ways.forEach((w) => w.close());
  }
}
