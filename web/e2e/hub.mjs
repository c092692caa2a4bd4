// A hub of the tests' own: started from the built binary, killed and started
// again on the same data and port.
import { exec, spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import https from "node:https";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";

/** A port that was free a moment ago. */
async function freePort() {
  const s = net.createServer().listen(0, "127.0.0.1");
  await once(s, "listening");
  const { port } = s.address();
  s.close();
  await once(s, "close");
  return port;
}

export class Hub {
  #process;
  #agent = new https.Agent({ keepAlive: true, rejectUnauthorized: false });
  #output = "";

  /** Makes an empty directory and chooses ports; starts nothing. */
  static async make() {
    const hub = new Hub();
    hub.data = fs.mkdtempSync(path.join(os.tmpdir(), "everything-e2e-"));
    hub.port = Number(process.env.HUB_PORT) || (await freePort());
    hub.boardPort = await freePort();
    // Not localhost, of which browsers try WebTransport at the first address only.
    hub.base = `https://127.0.0.1:${hub.port}`;
    hub.board = `http://127.0.0.1:${hub.boardPort}`;
    return hub;
  }

  /** Starts it; returns when it says that it is open. */
  async start() {
    const args = ["serve", "--listen", `127.0.0.1:${this.port}`, "--board-http", `127.0.0.1:${this.boardPort}`];
    args.push("--data", path.join(this.data, "data"), "--site", "Corner Café", "--mode", "test", "--print-tokens");
    this.#output = "";
    const log = fs.openSync(path.join(this.data, "log"), "a");
    this.#process = spawn(process.env.HUB_BIN, args, { stdio: ["ignore", "pipe", log] });
    fs.closeSync(log);
    const ended = once(this.#process, "exit").then(([code]) => {
      throw new Error(`the hub ended with ${code}:\n${this.log()}`);
    });
    ended.catch(() => {});
    const greeted = new Promise((done) => {
      this.#process.stdout.setEncoding("utf8").on("data", (text) => {
        this.#output += text;
        if (this.#output.includes("/v1/orders\n")) {
          done();
        }
      });
    });
    await Promise.race([greeted, ended]);
  }

  log() {
    return fs.readFileSync(path.join(this.data, "log"), "utf8");
  }

  /** Its certificate for TCP with the key, for a proxy that stands in for it. */
  certificate() {
    return fs.readFileSync(path.join(this.data, "data", "tls", "leaf.pem"));
  }

  /**
   * Drops the certificate that UDP presents, as when its days are over: the
   * next one, which is announced already, takes its place.
   */
  turnCertificate() {
    const file = path.join(this.data, "data", "tls", "udp.pem");
    const pairs = fs.readFileSync(file, "utf8").split(/(?=-----BEGIN PRIVATE KEY)/);
    fs.writeFileSync(file, pairs.slice(1).join(""), { mode: 0o600 });
  }

  token(role) {
    const found = this.#output.match(new RegExp(`^\\s+${role}\\s+(\\S+)$`, "m"));
    if (!found) {
      throw new Error(`the hub printed no token for ${role}`);
    }
    return found[1];
  }

  /** Orders by the line that it printed for people, and returns the answer. */
  async curlOrder(version) {
    const line = this.#output.match(/^ {2}curl (.*\/v1\/orders)$/m)[1];
    const { stdout } = await promisify(exec)(`curl ${version} ${line}`);
    return JSON.parse(stdout);
  }

  /** Gives a command as a role, past the network that pages are on, and returns the answer. */
  async command(role, address, body) {
    const headers = { Authorization: "Bearer " + this.token(role), "Content-Type": "application/json", "Idempotency-Key": crypto.randomUUID() };
    const q = https.request(this.base + address, { method: "POST", headers, agent: this.#agent });
    q.end(JSON.stringify(body ?? {}));
    const [a] = await once(q, "response");
    const text = Buffer.concat(await a.toArray()).toString();
    if (a.statusCode > 299) {
      throw new Error(`${address} was answered with ${a.statusCode}: ${text}`);
    }
    return JSON.parse(text);
  }

  /** Ends it without a chance to say goodbye. */
  async kill() {
    const gone = once(this.#process, "exit");
    this.#process.kill("SIGKILL");
    await gone;
  }

  async remove() {
    this.#agent.destroy();
    if (this.#process && this.#process.exitCode === null && this.#process.signalCode === null) {
      await this.kill();
    }
    fs.rmSync(this.data, { recursive: true, force: true });
  }
}
