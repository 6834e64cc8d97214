/** What does not change by waiting: the node says why no video comes. */
const REFUSALS = ["LIVE_CODEC", "LIVE_ENCODER"] as const;

export type LiveState = "waiting" | "playing" | "unplayable" | "LIVE_AWAY" | (typeof REFUSALS)[number];

export interface LiveFacts {
  readonly state: LiveState;
  /** Of the video that came for this viewer. */
  readonly bytes: number;
  /** When the node had what is shown now, by its clock. */
  readonly shownAtMs?: number;
}

/** Behind the newest picture by more than this, it jumps forward. */
const MOST_BEHIND_S = 2.5;
const KEPT_S = 8;
const SILENT_MS = 15_000;
const MOST_WAITING = 40;

/** A camera's own H.264 in a <video>, by Media Source Extensions; always near the newest picture. */
export class LivePlayer {
  readonly #video: HTMLVideoElement;
  readonly #tell: (facts: LiveFacts) => void;
  #facts: LiveFacts = { state: "waiting", bytes: 0 };
  #source: MediaSource | undefined;
  #buffer: SourceBuffer | undefined;
  #waiting: Uint8Array<ArrayBuffer>[] = [];
  #silence: ReturnType<typeof setTimeout> | undefined;

  constructor(video: HTMLVideoElement, tell: (facts: LiveFacts) => void) {
    this.#video = video;
    this.#tell = tell;
    this.#say({});
  }

  /** @param kind 0 header, 1 fragment, 2 none */
  take(kind: number, atMs: number, body: Uint8Array<ArrayBuffer>): void {
    this.#facts = { ...this.#facts, bytes: this.#facts.bytes + body.length };
    if (kind === 0) this.#begin(body);
    else if (kind === 1) this.#fragment(body, atMs);
    else this.#say({ state: codeOf(body) });
  }

  close(): void {
    clearTimeout(this.#silence);
    this.#source = undefined;
    this.#buffer = undefined;
    this.#waiting = [];
    if (this.#video.src !== "") URL.revokeObjectURL(this.#video.src);
    this.#video.removeAttribute("src");
    this.#video.load();
  }

  #begin(body: Uint8Array<ArrayBuffer>): void {
    const length = body[0] ?? 0;
    const type = `video/mp4; codecs="${new TextDecoder().decode(body.subarray(1, 1 + length))}"`;
    if (!("MediaSource" in globalThis) || !MediaSource.isTypeSupported(type)) {
      this.#say({ state: "unplayable" });
      return;
    }
    const source = new MediaSource();
    this.#source = source;
    this.#buffer = undefined;
    this.#waiting = [body.slice(1 + length)];
    if (this.#video.src !== "") URL.revokeObjectURL(this.#video.src);
    this.#video.src = URL.createObjectURL(source);
    source.addEventListener("sourceopen", () => {
      if (source !== this.#source) return;
      this.#buffer = source.addSourceBuffer(type);
      this.#buffer.addEventListener("updateend", () => this.#pump());
      this.#pump();
    });
    this.#say({ state: "waiting" });
  }

  #fragment(body: Uint8Array<ArrayBuffer>, atMs: number): void {
    if (this.#source === undefined) return;
    // What a tab in the background does not take is not kept for it.
    if (this.#waiting.length > MOST_WAITING) this.#waiting = [];
    this.#waiting.push(body);
    this.#say({ state: "playing", shownAtMs: atMs - this.#notShownMs() });
    this.#pump();
  }

  /** What has come and is not shown yet. */
  #notShownMs(): number {
    const { buffered, currentTime } = this.#video;
    return buffered.length === 0 ? 0 : Math.max(0, buffered.end(buffered.length - 1) - currentTime) * 1000;
  }

  #pump(): void {
    const buffer = this.#buffer;
    const video = this.#video;
    if (buffer === undefined || buffer.updating || this.#source?.readyState !== "open" || video.error !== null) return;
    const { buffered } = buffer;
    const last = buffered.length - 1;
    if (last >= 0) {
      const from = buffered.start(last);
      const to = buffered.end(last);
      if (video.currentTime < from || to - video.currentTime > MOST_BEHIND_S) {
        video.currentTime = Math.max(from, to - 0.3);
      }
      if (video.paused) video.play().catch(() => {});
      if (buffered.start(0) < video.currentTime - 2 * KEPT_S) {
        buffer.remove(0, video.currentTime - KEPT_S);
        return;
      }
    }
    const next = this.#waiting.shift();
    if (next !== undefined) buffer.appendBuffer(next);
  }

  #say(change: Partial<LiveFacts>): void {
    clearTimeout(this.#silence);
    this.#facts = { ...this.#facts, ...change };
    if (!isRefusal(this.#facts.state)) {
      this.#silence = setTimeout(() => this.#say({ state: "LIVE_AWAY" }), SILENT_MS);
    }
    this.#tell(this.#facts);
  }
}

function codeOf(body: Uint8Array): LiveState {
  const { code } = JSON.parse(new TextDecoder().decode(body)) as { readonly code?: string };
  return isRefusal(code) ? code : "LIVE_AWAY";
}

function isRefusal(code: string | undefined): code is (typeof REFUSALS)[number] {
  return REFUSALS.some((refusal) => refusal === code);
}
