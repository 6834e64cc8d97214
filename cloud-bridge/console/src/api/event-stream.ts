import { EventParser, type StreamEvent } from "./event-parser.ts";

/** `live`: events flow · `waiting`: no stream now, it will be tried again · `refused`: the session is over. */
export type StreamState = "live" | "waiting" | "refused";

export interface StreamListener {
  onEvent(event: StreamEvent): void;
  onState(state: StreamState): void;
}

const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 15_000;
/** The bridge sends a comment at least every 15 s; a stream that says nothing for longer is dead, whatever TCP believes. */
const SILENCE_MS = 45_000;

/**
 * Reads `/api/v1/events` until aborted and resumes with `Last-Event-ID` where it broke off. Not an EventSource: that one
 * gives up for good on an answer such as 503, which a bridge that restarts behind a proxy gives, and never notices a stream
 * that went silent.
 */
export async function followEvents(url: string, listener: StreamListener, signal: AbortSignal): Promise<void> {
  let lastId: string | undefined;
  let retryMs = FIRST_RETRY_MS;
  while (!signal.aborted) {
    const attempt = new AbortController();
    const stop = (): void => attempt.abort();
    signal.addEventListener("abort", stop);
    let watchdog = setTimeout(stop, SILENCE_MS);
    try {
      const headers: Record<string, string> = { accept: "text/event-stream" };
      if (lastId !== undefined) headers["last-event-id"] = lastId;
      const response = await fetch(url, {
        headers,
        credentials: "same-origin",
        cache: "no-store",
        signal: attempt.signal,
      });
      if (response.status === 401 || response.status === 403) {
        listener.onState("refused");
        return;
      }
      if (response.ok && response.body) {
        listener.onState("live");
        retryMs = FIRST_RETRY_MS;
        const parser = new EventParser();
        const text = new TextDecoder();
        for await (const bytes of chunks(response.body)) {
          clearTimeout(watchdog);
          watchdog = setTimeout(stop, SILENCE_MS);
          for (const event of parser.push(text.decode(bytes, { stream: true }))) {
            if (event.id !== undefined) lastId = event.id;
            listener.onEvent(event);
          }
        }
      }
    } catch {
      // A broken stream is the expected case: it is told to the reader by the state, and tried again.
    } finally {
      clearTimeout(watchdog);
      signal.removeEventListener("abort", stop);
    }
    if (signal.aborted) return;
    listener.onState("waiting");
    await pause(retryMs * (0.75 + Math.random() / 2), signal);
    retryMs = Math.min(LONGEST_RETRY_MS, retryMs * 2);
  }
}

async function* chunks(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    reader.releaseLock();
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
