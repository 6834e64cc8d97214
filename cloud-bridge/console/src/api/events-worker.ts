import type { StreamEvent } from "./event-parser.ts";
import { followEvents, type StreamState } from "./event-stream.ts";

/** From the worker to a page. */
export type FromWorker = { readonly event: StreamEvent } | { readonly state: StreamState };
/** From a page to the worker: `restart` after a sign-in or sign-out, `bye` when the page goes. */
export type ToWorker = "restart" | "bye";

/**
 * One stream for all tabs of a browser: browsers allow six connections to a host over HTTP/1.1, and a desk with seven tabs
 * would stand still.
 */
const ports = new Set<MessagePort>();
let running: AbortController | undefined;
let state: StreamState = "waiting";
let welcome: StreamEvent | undefined;

function tell(message: FromWorker): void {
  for (const port of ports) port.postMessage(message);
}

function restart(): void {
  running?.abort();
  welcome = undefined;
  const mine = new AbortController();
  running = mine;
  void followEvents(
    "/api/v1/events",
    {
      onEvent(event) {
        if (mine.signal.aborted) return;
        if (event.event === "welcome") welcome = event;
        tell({ event });
      },
      onState(next) {
        if (mine.signal.aborted) return;
        state = next;
        tell({ state });
      },
    },
    mine.signal,
  );
}

function leave(port: MessagePort): void {
  ports.delete(port);
  if (ports.size > 0) return;
  running?.abort();
  running = undefined;
}

self.addEventListener("connect", (event) => {
  const port = (event as MessageEvent).ports[0];
  if (!port) return;
  ports.add(port);
  port.onmessage = ({ data }: MessageEvent<ToWorker>) => (data === "bye" ? leave(port) : restart());
  if (!running || state === "refused") restart();
  else {
    port.postMessage({ state } satisfies FromWorker);
    if (welcome) port.postMessage({ event: welcome } satisfies FromWorker);
  }
});
