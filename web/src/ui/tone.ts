/** Sounds made of two soft notes each, with one meaning each. */
export type Tone = "knock" | "lift" | "drop" | "dim";

const notes: { [t in Tone]: [number, number] } = {
  knock: [440, 659.3], // a new order
  lift: [659.3, 880], // ready
  drop: [440, 293.7], // cancelled
  dim: [146.8, 110], // this screen lost the hub
};

const noteSeconds = 0.12;
/** -18 dBFS: heard beside a grinder, not across the street. */
const loudness = 0.126;

/** Plays tones, once a person or a kiosk's flag has allowed sound. */
export class Sound {
  private context: AudioContext | undefined;

  constructor() {
    const Context = window.AudioContext || (window as unknown as { webkitAudioContext?: typeof AudioContext }).webkitAudioContext;
    try {
      this.context = Context && new Context();
    } catch (e) {
      this.context = undefined; // a set without sound hardware
    }
    const unlock = (): void => {
      if (this.context && this.context.state === "suspended") {
        this.context.resume();
      }
    };
    document.addEventListener("keydown", unlock);
    document.addEventListener("click", unlock);
  }

  /** Whether the engine waits for a press before it lets a page sound. */
  get blocked(): boolean {
    return !!this.context && this.context.state === "suspended";
  }

  play(tone: Tone): void {
    const c = this.context;
    if (!c || c.state !== "running") {
      return;
    }
    notes[tone].forEach((hz, i) => {
      const from = c.currentTime + i * noteSeconds;
      const gain = c.createGain();
      gain.gain.setValueAtTime(0, from);
      gain.gain.linearRampToValueAtTime(loudness, from + 0.015);
      gain.gain.linearRampToValueAtTime(0, from + noteSeconds);
      const note = c.createOscillator();
      note.frequency.value = hz;
      note.connect(gain);
      gain.connect(c.destination);
      note.start(from);
      note.stop(from + noteSeconds + 0.02);
    });
  }
}
