import type { Session } from "../cafe";
import type { Commands } from "../client/commands";
import type { Problem } from "../client/problem";
import { el, fill, setText } from "../ui/dom";
import { field } from "./forms";

/** Asks for a token and makes it a session; the token itself is kept nowhere. */
export function login(root: HTMLElement, commands: Commands, why: string, done: (s: Session) => void): void {
  const token = el("input", { class: "input", id: "token", type: "password", autocomplete: "off", spellcheck: "false" });
  const say = el("p", { class: "note is-bad", role: "alert", hidden: why === "" }, why);
  const button = el("button", { class: "button is-main", type: "submit" }, "Sign in");
  const form = el(
    "form",
    { class: "login", novalidate: true },
    el("h1", {}, "Barista"),
    el("p", { class: "sheet-about" }, "Paste a barista's token. ", el("code", {}, "hub token --role barista"), " makes one."),
    field("token", "Token", token),
    say,
    button,
  );
  form.addEventListener("submit", (e) => {
    e.preventDefault();
    button.disabled = true;
    commands.once<Session>("POST", "/v1/session", { token: token.value.trim() }).then(
      (s) => {
        token.value = "";
        if (isStaff(s)) {
          done(s);
          return;
        }
        refuse("This token is a " + s.role + "'s. A barista's or an admin's is needed here.");
      },
      (p: Problem) => refuse(p.message),
    );
  });
  const refuse = (text: string): void => {
    button.disabled = false;
    say.hidden = false;
    setText(say, text);
    token.focus();
  };
  fill(root, el("main", { class: "login-page" }, form));
  token.focus();
}

export function isStaff(s: Session): boolean {
  return s.role === "barista" || s.role === "admin";
}
