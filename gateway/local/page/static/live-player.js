const HEAD_BYTES = 28;
/** Behind the newest picture by more than this, it jumps forward. */
const MOST_BEHIND_S = 2.5;
const KEPT_S = 8;
const SILENT_MS = 15_000;

/** What has come and is not shown yet. */
function notShownMs({ buffered, currentTime }) {
  return buffered.length === 0 ? 0 : Math.max(0, buffered.end(buffered.length - 1) - currentTime) * 1000;
}

/**
 * Plays a camera's own H.264 in a <video>. `tell` hears `{state, bytes, shownAtMs}`: `waiting` for a whole picture, `playing`,
 * `unplayable` (this browser does not), or the code of the box, `LIVE_CODEC` or `LIVE_AWAY`.
 * @returns what ends it
 */
export function playLive(video, socket, tell) {
  const facts = { state: "waiting", bytes: 0, shownAtMs: undefined };
  let source;
  let buffer;
  let queue = [];
  let silence;
  const say = (change) => tell(Object.assign(facts, change));
  const listen = () => {
    clearTimeout(silence);
    silence = setTimeout(() => say({ state: "LIVE_AWAY" }), SILENT_MS);
  };
  const begin = (body) => {
    const codecs = new TextDecoder().decode(body.subarray(1, 1 + body[0]));
    const type = `video/mp4; codecs="${codecs}"`;
    if (globalThis.MediaSource?.isTypeSupported(type) !== true) return say({ state: "unplayable" });
    const made = new MediaSource();
    source = made;
    buffer = undefined;
    queue = [body.slice(1 + body[0])];
    if (video.src) URL.revokeObjectURL(video.src);
    video.src = URL.createObjectURL(made);
    made.addEventListener("sourceopen", () => {
      if (made !== source) return;
      buffer = made.addSourceBuffer(type);
      buffer.addEventListener("updateend", pump);
      pump();
    });
  };
  const pump = () => {
    if (buffer === undefined || buffer.updating || source.readyState !== "open" || video.error) return;
    const { buffered } = buffer;
    if (buffered.length > 0) {
      const from = buffered.start(buffered.length - 1);
      const to = buffered.end(buffered.length - 1);
      if (video.currentTime < from || to - video.currentTime > MOST_BEHIND_S) {
        video.currentTime = Math.max(from, to - 0.3);
      }
      if (video.paused) video.play().catch(() => {});
      if (buffered.start(0) < video.currentTime - 2 * KEPT_S) return buffer.remove(0, video.currentTime - KEPT_S);
    }
    const next = queue.shift();
    if (next !== undefined) buffer.appendBuffer(next);
  };
  socket.binaryType = "arraybuffer";
  socket.onmessage = ({ data }) => {
    const bytes = new Uint8Array(data);
    const view = new DataView(data);
    const body = bytes.subarray(HEAD_BYTES);
    facts.bytes += bytes.length;
    listen();
    switch (view.getUint8(4)) {
      case 0:
        begin(body);
        break;
      case 1:
        if (source === undefined || facts.state === "unplayable") return;
        queue.push(body.slice());
        // What a tab in the background does not take is not kept for it.
        if (queue.length > 40) queue = [];
        say({ state: "playing", shownAtMs: Number(view.getBigUint64(12)) - notShownMs(video) });
        pump();
        break;
      default:
        say({ state: JSON.parse(new TextDecoder().decode(body)).code });
    }
  };
  socket.onclose = () => say({ state: "closed" });
  listen();
  return () => {
    clearTimeout(silence);
    socket.onclose = null;
    socket.onmessage = null;
    socket.close();
    source = undefined;
    if (video.src) URL.revokeObjectURL(video.src);
    video.removeAttribute("src");
    video.load();
  };
}
