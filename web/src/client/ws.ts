import { parseFrame } from "./frame";
import { asProblem, unreachable } from "./problem";
import { feedPath, paceLine, pingLine, subscribeLine, ticketAbroad, type Ask, type Line, type Listener, type Wire } from "./wire";

/** WebSocket: a message a frame. One subscription a connection. */
export const ws: Wire = {
  name: "ws",
  abroad: true,
  open: (ask, to) => new Socket(ask, to),
};

class Socket implements Line {
  readonly wire = "ws";
  private socket?: WebSocket;
  private closed = false;

  constructor(ask: Ask, private readonly to: Listener) {
    ticketAbroad(ask)
      .then((token) => this.connect(ask, token))
      .catch((e) => this.end(e));
  }

  private connect(ask: Ask, token: string): void {
    if (this.closed) {
      return;
    }
    const socket = new WebSocket((ask.hub || location.origin).replace(/^http/, "ws") + feedPath);
    this.socket = socket;
    socket.onopen = () => {
      if (this.closed) {
        socket.close();
      } else {
        socket.send(subscribeLine(ask, token));
      }
    };
    socket.onmessage = (e) => {
      const f = parseFrame(String(e.data));
      if (f && !this.closed) {
        this.to.frame(f);
      }
    };
    socket.onclose = () => this.end(unreachable());
  }

  private end(why: unknown): void {
    if (!this.closed) {
      this.closed = true;
      this.to.end(asProblem(why));
    }
  }

  pace(p: Parameters<Line["pace"]>[0]): boolean {
    if (!this.socket || this.socket.readyState !== 1) {
      return false;
    }
    this.socket.send(paceLine(p));
    return true;
  }

  /** A connection that the other end knows nothing of any more ends by it. */
  kick(): void {
    if (this.socket && this.socket.readyState === 1) {
      this.socket.send(pingLine);
    }
  }

  close(): void {
    this.closed = true;
    // One that is still opening closes itself when it is: browsers complain
    // aloud of those closed before.
    if (this.socket && this.socket.readyState === 1) {
      this.socket.close();
    }
  }
}
