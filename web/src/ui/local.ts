/** Remembers small things on this device; without storage, not at all. */
export function recall<T>(name: string, none: T): T {
  try {
    const v: unknown = JSON.parse(localStorage.getItem("everything." + name) || "null");
    return v === null ? none : (v as T);
  } catch (e) {
    return none;
  }
}

export function remember(name: string, v: unknown): void {
  try {
    localStorage.setItem("everything." + name, JSON.stringify(v));
  } catch (e) {
    // Private windows may refuse; the page works, it only forgets.
  }
}
