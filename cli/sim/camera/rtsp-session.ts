import { randomInt } from "node:crypto";
import type { Socket } from "node:net";
import type { AccessUnit, VideoCodec } from "./annex-b.ts";
import type { CameraFaults } from "./camera-faults.ts";
import type { Digest } from "./digest.ts";
import type { CameraFeed } from "./feed.ts";
import { payloadsOf, RtpStream } from "./rtp.ts";
import { type RtspRequest, RtspRequests } from "./rtsp-requests.ts";
import { describeSession, SOUND_TYPE, VIDEO_TYPE } from "./session-description.ts";

/** A viewer that does not read gets nothing more until the next whole picture. */
const MAX_UNREAD_BYTES = 4 * 1024 * 1024;
const REPORT_EVERY_MS = 5000;
const SOUND_MS = 40;

export interface SessionOptions {
  readonly feeds: Readonly<Record<string, CameraFeed>>;
  readonly digest: Digest | undefined;
  readonly hasSound: boolean;
  readonly faults: CameraFaults;
}

/** One client of a simulated camera. @source RFC 2326 */
export class RtspSession {
  readonly #socket: Socket;
  readonly #options: SessionOptions;
  readonly #requests = new RtspRequests();
  readonly #id = String(randomInt(1e8, 1e9));
  readonly #video = new RtpStream(VIDEO_TYPE, randomInt(2 ** 31));
  readonly #sound = new RtpStream(SOUND_TYPE, randomInt(2 ** 31));
  /** Interleaved channels by track. */
  readonly #channels = new Map<number, number>();
  #unsubscribe: (() => void) | undefined;
  #soundTimer: NodeJS.Timeout | undefined;
  #awaitsKey = true;
  #reportedAtMs = 0;
  #soundTimestamp = 0;
  #work: Promise<void> = Promise.resolve();

  constructor(socket: Socket, options: SessionOptions) {
    this.#socket = socket;
    this.#options = options;
    socket.on("error", () => {});
    socket.on("close", () => this.#stop());
    socket.on("data", (chunk: Buffer) => {
      try {
        for (const request of this.#requests.push(chunk)) this.#work = this.#work.then(() => this.#answer(request));
      } catch {
        socket.destroy();
      }
    });
  }

  get isPlaying(): boolean {
    return this.#unsubscribe !== undefined;
  }

  drop(how: "fin" | "rst"): void {
    this.#stop();
    if (how === "fin") this.#socket.end();
    else this.#socket.resetAndDestroy();
  }

  async #answer(request: RtspRequest): Promise<void> {
    const { faults, digest } = this.#options;
    if (faults.isSilent) return;
    const { method, url, headers } = request;
    const isAllowed = digest === undefined || digest.allows(method, headers.get("authorization"));
    const isRefused = isAllowed && method === "DESCRIBE" && faults.refusals > 0;
    if (isRefused) faults.refusals -= 1;
    if (method !== "OPTIONS" && (!isAllowed || isRefused)) {
      this.#reply(request, "401 Unauthorized", [
        `WWW-Authenticate: ${digest?.challenge ?? 'Digest realm="x", nonce="0"'}`,
      ]);
      return;
    }
    const feed = this.#feedOf(url);
    if (feed === undefined) return this.#reply(request, "404 Not Found");
    switch (method) {
      case "OPTIONS":
        return this.#reply(request, "200 OK", ["Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER"]);
      case "DESCRIBE": {
        const body = describeSession(feed.recording, this.#options.hasSound);
        return this.#reply(request, "200 OK", [`Content-Base: ${url}/`, "Content-Type: application/sdp"], body);
      }
      case "SETUP":
        if (faults.slowSetupMs > 0) await new Promise((resolve) => setTimeout(resolve, faults.slowSetupMs));
        return this.#setup(request);
      case "PLAY":
        this.#reply(request, "200 OK", [`Session: ${this.#id}`, "Range: npt=0.000-"]);
        return this.#play(feed);
      case "GET_PARAMETER":
        return this.#reply(request, "200 OK", [`Session: ${this.#id}`]);
      case "TEARDOWN":
        this.#stop();
        return this.#reply(request, "200 OK", [`Session: ${this.#id}`]);
      default:
        return this.#reply(request, "501 Not Implemented");
    }
  }

  #feedOf(url: string): CameraFeed | undefined {
    const path = URL.parse(url)?.pathname.replace(/\/(trackID=\d+)?$/, "") ?? "";
    return this.#options.feeds[path];
  }

  #setup(request: RtspRequest): void {
    const transport = request.headers.get("transport") ?? "";
    const channel = /interleaved=(\d+)-\d+/.exec(transport)?.[1];
    if (!/TCP/i.test(transport)) {
      this.#reply(request, "461 Unsupported Transport");
      return;
    }
    const track = Number(/trackID=(\d+)/.exec(request.url)?.[1] ?? 0);
    const first = channel === undefined ? track * 2 : Number(channel);
    this.#channels.set(track, first);
    const granted = `RTP/AVP/TCP;unicast;interleaved=${first}-${first + 1}`;
    this.#reply(request, "200 OK", [`Session: ${this.#id};timeout=60`, `Transport: ${granted}`]);
  }

  #play(feed: CameraFeed): void {
    if (this.isPlaying) return;
    this.#unsubscribe = feed.subscribe((unit, timestamp, { codec }) => this.#show(unit, timestamp, codec));
    if (this.#channels.has(1)) this.#soundTimer = setInterval(() => this.#hum(), SOUND_MS);
  }

  #show(unit: AccessUnit, timestamp: number, codec: VideoCodec): void {
    if (this.#options.faults.isSilent) return;
    const channel = this.#channels.get(0);
    if (channel === undefined) return;
    this.#awaitsKey ||= this.#socket.writableLength > MAX_UNREAD_BYTES;
    if (this.#awaitsKey && (!unit.isKey || this.#socket.writableLength > MAX_UNREAD_BYTES)) return;
    this.#awaitsKey = false;
    const nowMs = Date.now();
    if (nowMs - this.#reportedAtMs >= REPORT_EVERY_MS) {
      this.#reportedAtMs = nowMs;
      this.#interleave(channel + 1, this.#video.senderReport(nowMs, timestamp));
    }
    const payloads = unit.nals.flatMap((nal) => payloadsOf(nal, codec));
    this.#socket.cork();
    for (const packet of this.#video.packets(payloads, timestamp)) this.#send(channel, packet);
    this.#socket.uncork();
  }

  /** A quiet tone, µ-law. */
  #hum(): void {
    const channel = this.#channels.get(1);
    if (this.#options.faults.isSilent || channel === undefined) return;
    const samples = Uint8Array.from({ length: SOUND_MS * 8 }, (_, at) => (at % 16 < 8 ? 0xce : 0x4e));
    this.#soundTimestamp += samples.length;
    for (const packet of this.#sound.packets([samples], this.#soundTimestamp, false)) this.#send(channel, packet);
  }

  #send(channel: number, packet: Buffer): void {
    if (Math.random() < this.#options.faults.lostShare) return;
    this.#interleave(channel, packet);
  }

  #interleave(channel: number, packet: Buffer): void {
    const head = Buffer.from([0x24, channel, packet.length >> 8, packet.length & 0xff]);
    this.#socket.write(head);
    this.#socket.write(packet);
  }

  #reply({ headers }: RtspRequest, status: string, lines: readonly string[] = [], body = ""): void {
    const length = body === "" ? [] : [`Content-Length: ${Buffer.byteLength(body)}`];
    const head = [`RTSP/1.0 ${status}`, `CSeq: ${headers.get("cseq") ?? 0}`, ...lines, ...length];
    if (!this.#socket.destroyed) this.#socket.write(`${head.join("\r\n")}\r\n\r\n${body}`);
  }

  #stop(): void {
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
    clearInterval(this.#soundTimer);
  }
}
