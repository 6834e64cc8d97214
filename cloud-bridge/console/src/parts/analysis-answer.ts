import { useEffect, useState } from "preact/hooks";
import { call } from "../api/client.ts";

export interface Answer<T> {
  readonly value?: T;
  readonly error?: unknown;
}

/** What the bridge answers to a path; asked anew when the path changes, and the former answer stays until then. */
export function useAnswer<T>(path: string): Answer<T> {
  const [answer, setAnswer] = useState<Answer<T>>({});
  useEffect(() => {
    const asked = new AbortController();
    call<T>("GET", path, { signal: asked.signal }).then(
      (value) => setAnswer({ value }),
      (error: unknown) => {
        if (!asked.signal.aborted) setAnswer({ error });
      },
    );
    return () => asked.abort();
  }, [path]);
  return answer;
}

/** What every figure is asked with. */
export interface Asked {
  readonly fromMs: number;
  readonly toMs: number;
  readonly unitId: string;
  readonly family: string;
  readonly foundBy: string;
}

export function queryOf(asked: Asked, more: Readonly<Record<string, string>> = {}): string {
  const query = new URLSearchParams({ fromMs: String(asked.fromMs), toMs: String(asked.toMs) });
  for (const [key, value] of Object.entries({
    unitId: asked.unitId,
    family: asked.family,
    foundBy: asked.foundBy,
    ...more,
  })) {
    if (value !== "") query.set(key, value);
  }
  return query.toString();
}
