import type { LiveLevel } from "../../protocol/session.ts";
import type { LiveLine } from "../contracts/live-line.ts";
import type { MqttSession } from "./mqtt-session.ts";
import type { Sender } from "./sender.ts";

/** Live values are dropped rather than queued: what waits in the socket is already a second late. */
const LIVE_BUFFER_BYTES = 16 * 1024;
/** Bytes in flight of lanes 2 to 4, as a time of the line's rate. */
const IN_FLIGHT_S = 0.5;

export interface LiveLaneOptions {
  readonly sender: Sender;
  readonly session: () => MqttSession | undefined;
  readonly topic: (stream: string) => string;
  readonly upMs: () => number;
}

/** What is sent only while somebody looks: levels, stills, video. It goes where the line has room, and is lost without regret. */
export class LiveLane implements LiveLine {
  readonly #options: LiveLaneOptions;
  #flight: { readonly session: MqttSession; bytes: number } | undefined;

  constructor(options: LiveLaneOptions) {
    this.#options = options;
  }

  /** One level, or a still, to whoever watches; lost without regret when the line is busy or gone. */
  publish(device: string, what: LiveLevel | Uint8Array): void {
    const { sender, upMs, topic } = this.#options;
    const session = this.#free();
    if (session === undefined || !sender.admitsLive(upMs())) return;
    const bytes = what instanceof Uint8Array ? Buffer.from(what) : Buffer.from(JSON.stringify(what));
    session.publish(topic(device), bytes, { qos: 0 });
  }

  /** Video is asked to wait for all that is recorded: it would take the whole line for as long as somebody looks. */
  roomBytes(): number {
    const { sender, upMs } = this.#options;
    const session = this.#free();
    if (session === undefined) return 0;
    const bytes = sender.liveVideoBytes(upMs());
    const flying = this.#flight?.session === session ? this.#flight.bytes : 0;
    return flying > 0 && flying + bytes > sender.facts.rateBytesPerS * IN_FLIGHT_S ? 0 : bytes;
  }

  /** Unlike a level it is acknowledged, which tells how the line gets on with it; it is never sent again. */
  send(stream: string, bytes: Uint8Array, onTaken: () => void): boolean {
    const { sender, upMs, topic } = this.#options;
    const session = this.#free();
    if (session === undefined) return false;
    if (this.#flight?.session !== session) this.#flight = { session, bytes: 0 };
    const flight = this.#flight;
    const landing = sender.liveVideoSent(bytes.length, upMs());
    const hasGone = session.publish(topic(stream), bytes, { qos: 1 }, () => {
      flight.bytes -= landing.wireBytes;
      if (this.#options.session() !== session) return;
      sender.liveVideoLanded(landing, upMs());
      onTaken();
    });
    if (hasGone) flight.bytes += landing.wireBytes;
    return hasGone;
  }

  #free(): MqttSession | undefined {
    const session = this.#options.session();
    return session === undefined || session.bufferedBytes > LIVE_BUFFER_BYTES ? undefined : session;
  }
}
