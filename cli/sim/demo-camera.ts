import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { probeFfmpeg } from "../../gateway/vision/capture/ffmpeg.ts";
import { RtspServer } from "./camera/rtsp-server.ts";
import { pause } from "./crew-actor.ts";
import { GateCamera } from "./scene/gate-camera.ts";

const USER = "viewer";
const PASSWORD = "only for the demo";
const FIRST_TRUCK_MS = 30_000;
const STANDS_MS = 60_000;
const NEXT_TRUCK_MS = 45_000;

export interface DemoCamera extends AsyncDisposable {
  /** Its section of the config of the node that has it. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Computes what `bring` shows. */
  prepare(): Promise<void>;
  /** One truck whose bed is open drives up and stays. */
  bring(): Promise<void>;
  /** Trucks come and go until `signal` aborts: one whose bed is open, then one that is covered. */
  live(signal: AbortSignal, say: (sentence: string) => void): Promise<void>;
}

/** A camera at the first site's gate, by night. @returns undefined on a box without ffmpeg */
export async function openDemoCamera(directory: string): Promise<DemoCamera | undefined> {
  try {
    await probeFfmpeg();
  } catch {
    return undefined;
  }
  const gate = await GateCamera.open({ seed: 7, isNight: true });
  const server = await RtspServer.start({ account: { user: USER, password: PASSWORD }, feeds: { "/gate": gate.feed } });
  const passwordFile = join(directory, "gate.password");
  mkdirSync(directory, { recursive: true });
  writeFileSync(passwordFile, PASSWORD, { mode: 0o600 });
  return {
    config: { url: `rtsp://127.0.0.1:${server.port}/gate`, user: USER, passwordFile, analysis: { framesPerS: 5 } },
    prepare: () => gate.prepare(false),
    bring: () => gate.arrive(false),
    async live(signal, say) {
      await Promise.all([gate.prepare(false), pause(FIRST_TRUCK_MS, signal)]);
      for (let turn = 0; !signal.aborted; turn += 1) {
        const isCovered = turn % 2 === 1;
        say(`a truck drives up to the gate, its bed ${isCovered ? "covered" : "open"}`);
        await gate.arrive(isCovered);
        await pause(STANDS_MS, signal);
        gate.leave();
        await pause(NEXT_TRUCK_MS, signal);
      }
    },
    async [Symbol.asyncDispose]() {
      gate[Symbol.dispose]();
      await server.close();
    },
  };
}
