/** What time and chance are here; tests bring their own. */
export interface Env {
  now(): number;
  random(): number;
  later(ms: number, fn: () => void): () => void;
}

export const realEnv: Env = {
  now: () => Date.now(),
  random: Math.random,
  later(ms, fn) {
    const t = setTimeout(fn, ms);
    return () => clearTimeout(t);
  },
};
