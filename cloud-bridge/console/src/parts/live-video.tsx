import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { LiveFacts } from "../live/live-player.ts";
import { playLive } from "../live/live-stream.ts";
import { formatNumber } from "../text/format.ts";
import { locale } from "../text/locale.ts";
import { liveVideoText as f } from "../text/packs/live-video.ts";
import { ProblemNote } from "./problem.tsx";

export interface LiveVideoProps {
  /** Of the camera in the API. */
  readonly path: string;
  readonly name: string;
  readonly onStop: () => void;
  /** What is seen until the first picture comes, and where none does. */
  readonly children: ComponentChildren;
}

/** The video of one camera as it comes, while this is shown and its page looked at. */
export function LiveVideo({ path, name, onStop, children }: LiveVideoProps) {
  const video = useRef<HTMLVideoElement>(null);
  const [facts, setFacts] = useState<LiveFacts>({ state: "waiting", bytes: 0 });
  const [delayMs, setDelayMs] = useState<number>();
  const [hasEnded, setEnded] = useState(false);
  const [error, setError] = useState<unknown>();
  useEffect(() => {
    const place = video.current;
    if (place === null) return;
    const looking = new AbortController();
    const { signal } = looking;
    const tell = (next: LiveFacts): void => {
      setFacts(next);
      if (next.shownAtMs !== undefined) setDelayMs(Math.max(0, Date.now() - next.shownAtMs));
    };
    playLive(path, place, tell, signal).then(
      () => setEnded(true),
      (cause: unknown) => {
        if (!signal.aborted) setError(cause);
      },
    );
    const hide = (): void => {
      if (document.hidden) onStop();
    };
    document.addEventListener("visibilitychange", hide);
    return () => {
      document.removeEventListener("visibilitychange", hide);
      looking.abort();
    };
  }, [path]);
  const isPlaying = facts.state === "playing" && !hasEnded && error === undefined;
  const size = formatNumber(locale.value, facts.bytes / 1000);
  const words = [
    hasEnded
      ? f("ended")
      : isPlaying
        ? f("delay", { s: formatNumber(locale.value, (delayMs ?? 0) / 1000, 1) })
        : f(facts.state),
    f("bytes", { size }),
  ];
  return (
    <div class="live-video" data-live-state={hasEnded ? "ended" : error === undefined ? facts.state : "refused"}>
      <video ref={video} muted playsInline autoPlay aria-label={f("label", { camera: name })} hidden={!isPlaying} />
      {!isPlaying && children}
      <p class="live-words" role="status">
        {error === undefined && <span class="quiet">{words.join(" · ")}</span>}
        <button type="button" class="button is-small" onClick={onStop} data-live-stop>
          {f("stop")}
        </button>
      </p>
      <ProblemNote error={error} />
    </div>
  );
}
