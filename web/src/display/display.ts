// The kitchen screen. Until staff have let it in it shows a code; then tickets.
import { Commands } from "../client/commands";
import type { Session } from "../cafe";
import { fill } from "../ui/dom";
import { survive } from "../ui/screen";
import { kitchen } from "./kitchen";
import { pairing } from "./pairing";

const root = document.getElementById("app")!;
const commands = new Commands();
survive(() => location.replace("/board"));

const staff = ["display", "barista", "admin"];
let stop: () => void = () => {};

/** Finds out whether this screen is let in, and shows what it may. */
function open(): void {
  stop();
  stop = () => {};
  commands.once<Session>("GET", "/v1/session").then(
    (s) => {
      if (staff.indexOf(s.role) >= 0) {
        stop = kitchen(fill(root), commands, open);
      } else {
        stop = pairing(fill(root), commands, open);
      }
    },
    (e) => {
      if (e.signIn || e.status === 403) {
        stop = pairing(fill(root), commands, open);
      } else {
        setTimeout(open, 1000 + Math.random() * 2000);
      }
    },
  );
}

open();
