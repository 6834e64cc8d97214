import { signal } from "@preact/signals";

/** The bridge's clock less this browser's: ages and countdowns are told by the bridge's. */
let skewMs = 0;

export const nowMs = signal(Date.now());

const tick = (): void => {
  nowMs.value = Date.now() + skewMs;
};
setInterval(tick, 1000);

export function setBridgeTime(bridgeMs: number): void {
  skewMs = bridgeMs - Date.now();
  tick();
}
