/**
 * Plays MPEG-1 on a canvas, for browsers and cameras between which there is no H.264. Its decoder is fetched only then.
 * `tell` hears `{state, bytes}` as from live-player.js. @returns what ends it
 */
export function playMpeg1(canvas, socket, tell) {
  const facts = { state: "waiting", bytes: 0, form: "mpeg1" };
  const say = (change) => tell(Object.assign(facts, change));
  let demuxer;
  let player;
  let hasEnded = false;
  /** A source as the decoder wants one: what it gets comes from our own socket, which counts it. */
  class Source {
    streaming = true;
    established = true;
    completed = false;
    progress = 1;
    connect(destination) {
      demuxer = destination;
    }
    start() {}
    resume() {}
    destroy() {}
  }
  socket.binaryType = "arraybuffer";
  socket.onmessage = ({ data }) => {
    facts.bytes += data.byteLength;
    demuxer?.write(data);
    say({});
  };
  socket.onclose = () => say({ state: "closed" });
  import("/jsmpeg.js").then(
    ({ default: decoder }) => {
      if (hasEnded) return;
      const options = { source: Source, canvas, audio: false, disableGl: true, disableWebAssembly: true };
      const onVideoDecode = () => {
        if (facts.state !== "playing") say({ state: "playing" });
      };
      player = new decoder.Player("", { ...options, pauseWhenHidden: false, onVideoDecode });
    },
    () => say({ state: "unplayable" }),
  );
  return () => {
    hasEnded = true;
    socket.onclose = null;
    socket.onmessage = null;
    socket.close();
    player?.destroy();
  };
}
