import { signal } from "@preact/signals";

const STORED = "shao.sound";

export const isSoundOn = signal(localStorage.getItem(STORED) !== "off");
/** Browsers keep a page mute until somebody has touched it; the page says so instead of staying silent unnoticed. */
export const isSoundBlocked = signal(true);

let context: AudioContext | undefined;

export function chooseSound(on: boolean): void {
  localStorage.setItem(STORED, on ? "on" : "off");
  isSoundOn.value = on;
}

function wake(): void {
  context ??= new AudioContext();
  void context.resume().then(() => {
    isSoundBlocked.value = context?.state !== "running";
  });
}

export function prepareSound(): void {
  addEventListener("pointerdown", wake, { once: true });
  addEventListener("keydown", wake, { once: true });
}

const NEW_CASE = [660, 880] as const;
const OFFICER_IN_NEED = [988, 740, 988, 740, 988] as const;
const NOTE_S = 0.16;

/** Two short rising notes, to be heard over a radio without the fright of a siren; for an officer in need a call that is its own. */
export function soundNewCase(isEmergency = false): void {
  if (context?.state !== "running") return;
  const start = context.currentTime + 0.02;
  for (const [i, frequency] of (isEmergency ? OFFICER_IN_NEED : NEW_CASE).entries()) {
    const delay = i * NOTE_S;
    const tone = context.createOscillator();
    const gain = context.createGain();
    tone.frequency.value = frequency;
    tone.type = "triangle";
    gain.gain.setValueAtTime(0, start + delay);
    gain.gain.linearRampToValueAtTime(0.25, start + delay + 0.02);
    gain.gain.exponentialRampToValueAtTime(0.001, start + delay + 0.32);
    tone.connect(gain).connect(context.destination);
    tone.start(start + delay);
    tone.stop(start + delay + 0.34);
  }
}
