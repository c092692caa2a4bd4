import type { Status } from "../cafe";

// The cup disc: how full it is says how far an order is. It always stands with
// the word, for colour and shape alone are not enough for everybody.

const ns = "http://www.w3.org/2000/svg";

const shapes: { [s: string]: [string, { [a: string]: string | number }][] } = {
  rim: [["circle", { class: "disc-rim", cx: 16, cy: 16, r: 13 }]],
  quarter: [["path", { class: "disc-fill", d: "M6.5 21.5a11 11 0 0 0 19 0z" }]],
  half: [["path", { class: "disc-fill", d: "M5 16a11 11 0 0 0 22 0z" }]],
  full: [
    ["circle", { class: "disc-fill", cx: 16, cy: 16, r: 15 }],
    ["path", { class: "disc-tick", d: "M9 16.5l5 5 9.5-10.5" }],
  ],
  thin: [
    ["circle", { class: "disc-thin", cx: 16, cy: 16, r: 14 }],
    ["circle", { class: "disc-fill", cx: 16, cy: 16, r: 4 }],
  ],
  struck: [
    ["rect", { class: "disc-rim", x: 4, y: 4, width: 24, height: 24 }],
    ["path", { class: "disc-line", d: "M10 10l12 12M22 10L10 22" }],
  ],
};

const of: { [s in Status]: string[] } = {
  placed: ["rim"],
  accepted: ["rim", "quarter"],
  preparing: ["rim", "half"],
  ready: ["full"],
  picked_up: ["thin"],
  declined: ["struck"],
  cancelled: ["struck"],
};

export function mark(status: Status): SVGElement {
  const svg = document.createElementNS(ns, "svg");
  svg.setAttribute("viewBox", "0 0 32 32");
  svg.setAttribute("class", "disc");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("data-status", status);
  for (const part of of[status] || of.placed) {
    for (const [tag, attrs] of shapes[part]) {
      const e = document.createElementNS(ns, tag);
      for (const name of Object.keys(attrs)) {
        e.setAttribute(name, String(attrs[name]));
      }
      svg.appendChild(e);
    }
  }
  return svg;
}

/** The same disc as an image for the tab. */
export function favicon(status: Status, dark: boolean): string {
  const ink = dark ? "#efebe4" : "#1c1a17";
  const paper = dark ? "#12110f" : "#ffffff";
  const look: { [c: string]: string } = {
    "disc-rim": `fill="none" stroke="${ink}" stroke-width="4"`,
    "disc-thin": `fill="none" stroke="${ink}" stroke-width="2"`,
    "disc-fill": `fill="${ink}"`,
    "disc-tick": `fill="none" stroke="${paper}" stroke-width="4"`,
    "disc-line": `fill="none" stroke="${ink}" stroke-width="4"`,
  };
  let inner = "";
  for (const part of of[status] || of.placed) {
    for (const [tag, attrs] of shapes[part]) {
      inner += `<${tag} ${look[String(attrs.class)]}`;
      for (const name of Object.keys(attrs)) {
        if (name !== "class") {
          inner += ` ${name}="${attrs[name]}"`;
        }
      }
      inner += "/>";
    }
  }
  return "data:image/svg+xml," + encodeURIComponent(`<svg xmlns="${ns}" viewBox="0 0 32 32">${inner}</svg>`);
}
