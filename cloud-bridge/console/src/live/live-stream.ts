import { answerTo } from "../api/client.ts";
import { type LiveFacts, LivePlayer } from "./live-player.ts";

const HEAD_BYTES = 28;
/** Longer ones are no half second of video: the stream is not what it should be. */
const MOST_BYTES = 4 * 1024 * 1024;

/**
 * Plays what `POST …/live` answers until it ends or `signal` aborts. Messages are those of protocol/live-video.ts.
 * @throws ProblemError why there is none
 */
export async function playLive(
  path: string,
  video: HTMLVideoElement,
  tell: (facts: LiveFacts) => void,
  signal: AbortSignal,
): Promise<void> {
  const response = await answerTo("POST", `${path}/live`, { signal });
  const reader = response.body?.getReader();
  if (reader === undefined) return;
  const player = new LivePlayer(video, tell);
  let rest = new Uint8Array();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const bytes = new Uint8Array(rest.length + value.length);
      bytes.set(rest);
      bytes.set(value, rest.length);
      rest = takeMessages(bytes, player);
    }
  } finally {
    player.close();
    reader.cancel().catch(() => {});
  }
}

/** @returns the beginning of the message that is not whole yet */
function takeMessages(bytes: Uint8Array<ArrayBuffer>, player: LivePlayer): Uint8Array<ArrayBuffer> {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  let at = 0;
  while (at + HEAD_BYTES <= bytes.length) {
    const sizeBytes = view.getUint32(at + 24);
    if (sizeBytes > MOST_BYTES) throw new Error("the live video is not as it should be");
    const end = at + HEAD_BYTES + sizeBytes;
    if (end > bytes.length) break;
    player.take(view.getUint8(at + 4), Number(view.getBigUint64(at + 12)), bytes.slice(at + HEAD_BYTES, end));
    at = end;
  }
  return bytes.slice(at);
}
