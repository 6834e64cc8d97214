import { signal } from "@preact/signals";
import type { EventName, EventOf } from "../../../api/schema/events.ts";
import { setBridgeTime } from "../clock.ts";
import type { StreamEvent } from "./event-parser.ts";
import { followEvents, type StreamState } from "./event-stream.ts";
import type { FromWorker, ToWorker } from "./events-worker.ts";

export const streamState = signal<StreamState>("waiting");
/** Name of this browser's stream: a live lease names it, so that levels come here. */
export const streamClient = signal<string | undefined>(undefined);

type Listener<N extends EventName> = (event: EventOf<N>) => void;
const listeners = new Map<EventName, Set<Listener<EventName>>>();

/** Calls `listener` for each event of a name; returns what ends it. */
export function onEvent<N extends EventName>(name: N, listener: Listener<N>): () => void {
  const set = listeners.get(name) ?? new Set();
  listeners.set(name, set);
  const entry = listener as Listener<EventName>;
  set.add(entry);
  return () => set.delete(entry);
}

function take({ event, data }: StreamEvent): void {
  const body: unknown = JSON.parse(data);
  if (event === "welcome") {
    const { client, nowMs } = body as EventOf<"welcome">;
    setBridgeTime(nowMs);
    streamClient.value = client;
  }
  for (const listener of listeners.get(event as EventName) ?? []) listener(body as EventOf<EventName>);
}

function setState(next: StreamState): void {
  if (next !== "live") streamClient.value = undefined;
  streamState.value = next;
}

let restartStream: (() => void) | undefined;

/** Opens the stream; `anew` after the account changed, since one that other tabs share may run for the former one. */
export function openEvents(anew: boolean): void {
  const isFirst = restartStream === undefined;
  restartStream ??= connect();
  if (anew || !isFirst) restartStream();
}

function connect(): () => void {
  try {
    return connectWorker();
  } catch {
    return connectHere();
  }
}

function connectWorker(): () => void {
  const worker = new SharedWorker(new URL("./events-worker.ts", import.meta.url), {
    type: "module",
    name: "shao-events",
  });
  let restartHere: (() => void) | undefined;
  worker.onerror = () => {
    // A browser that knows SharedWorker but may not start it (private mode, no module workers) follows from the page.
    restartHere ??= connectHere();
  };
  worker.port.onmessage = ({ data }: MessageEvent<FromWorker>) =>
    "event" in data ? take(data.event) : setState(data.state);
  addEventListener("pagehide", () => worker.port.postMessage("bye" satisfies ToWorker));
  addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
  });
  return () => {
    if (restartHere) restartHere();
    else worker.port.postMessage("restart" satisfies ToWorker);
  };
}

function connectHere(): () => void {
  let running: AbortController | undefined;
  const restart = (): void => {
    running?.abort();
    running = new AbortController();
    void followEvents("/api/v1/events", { onEvent: take, onState: setState }, running.signal);
  };
  restart();
  return restart;
}
