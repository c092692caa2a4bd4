// The few helpers pages are built with. They set text as text, never as markup.

export type Child = Node | string | null | undefined | false;
export interface Props {
  [name: string]: string | number | boolean | ((e: Event) => void) | undefined;
}

/** Makes an element. Names beginning with "on" are listeners, false and undefined are left out. */
export function el<K extends keyof HTMLElementTagNameMap>(tag: K, props?: Props, ...children: Child[]): HTMLElementTagNameMap[K] {
  const e = document.createElement(tag);
  for (const name of Object.keys(props || {})) {
    const v = props![name];
    if (typeof v === "function") {
      e.addEventListener(name.slice(2), v);
    } else if (v !== false && v !== undefined) {
      e.setAttribute(name, v === true ? "" : String(v));
    }
  }
  return add(e, ...children);
}

export function add<E extends Node>(parent: E, ...children: Child[]): E {
  for (const c of children) {
    if (c) {
      parent.appendChild(typeof c === "string" ? document.createTextNode(c) : c);
    }
  }
  return parent;
}

/** Replaces what is in an element. */
export function fill<E extends Node>(parent: E, ...children: Child[]): E {
  while (parent.firstChild) {
    parent.removeChild(parent.firstChild);
  }
  return add(parent, ...children);
}

/** Sets text if it changed, so that screen readers are not told twice. */
export function setText(e: Node, text: string): void {
  if (e.textContent !== text) {
    e.textContent = text;
  }
}

/** Sets or, for empty, removes an attribute, if it changed. */
export function setAttr(e: Element, name: string, value: string): void {
  if ((e.getAttribute(name) || "") === value) {
    return;
  }
  if (value) {
    e.setAttribute(name, value);
  } else {
    e.removeAttribute(name);
  }
}

/**
 * Brings the children of parent in line with items, keeping the element of
 * each key. make builds a new one; update runs on new and kept ones.
 */
export function sync<T, E extends Element>(parent: Element, items: T[], key: (t: T) => string, make: (t: T) => E, update?: (e: E, t: T) => void): void {
  const kept: { [key: string]: Element } = {};
  for (const e of Array.from(parent.children)) {
    kept[e.getAttribute("data-key") || ""] = e;
  }
  let at = parent.firstElementChild;
  for (const t of items) {
    const k = key(t);
    let e = kept[k] as E | undefined;
    delete kept[k];
    if (!e) {
      e = make(t);
      e.setAttribute("data-key", k);
    }
    if (update) {
      update(e, t);
    }
    if (e === at) {
      at = at.nextElementSibling;
    } else {
      parent.insertBefore(e, at);
    }
  }
  for (const k of Object.keys(kept)) {
    const gone = kept[k];
    if (gone.parentNode === parent) {
      parent.removeChild(gone);
    }
  }
}
