import { useEffect, useState } from "preact/hooks";
import { call, newIdempotencyKey, ProblemError } from "../api/client.ts";
import type { SendResult } from "../crew/act-queue.ts";
import { PhotoQueue, type QueuedPhoto, type WaitingPhotos } from "../crew/photo-queue.ts";
import { photoStore } from "../crew/photo-store.ts";
import { lastPosition } from "../crew/position.ts";
import { photoText as f } from "../text/packs/crew-photos.ts";
import { Icon } from "./icon.tsx";
import { ProblemNote } from "./problem.tsx";

const RETRY_MS = 10_000;

/**
 * Photos of a leg as evidence; they wait on the phone where there is no line, and go on being sent when the leg is over.
 * @param assignmentId absent between two legs
 */
export function CrewPhotos({ crewId, assignmentId }: { readonly crewId: string; readonly assignmentId?: string }) {
  const [waiting, setWaiting] = useState<WaitingPhotos>({ own: 0, others: 0 });
  const [taken, setTaken] = useState(0);
  const [error, setError] = useState<unknown>();
  const [queue] = useState(() => new PhotoQueue(crewId, photoStore(), send, setWaiting));

  async function send(photo: QueuedPhoto): Promise<SendResult> {
    try {
      await call("POST", pathOf(photo), { bytes: photo.bytes, idempotencyKey: photo.key });
      setTaken((n) => n + 1);
      return "taken";
    } catch (reason) {
      if (!(reason instanceof ProblemError)) throw reason;
      if (reason.isPassing || reason.problem.status === 401) return "later";
      setError(reason);
      return "refused";
    }
  }

  useEffect(() => {
    const flush = (): void => void queue.flush().catch(setError);
    flush();
    const timer = setInterval(flush, RETRY_MS);
    addEventListener("online", flush);
    return () => {
      clearInterval(timer);
      removeEventListener("online", flush);
    };
  }, [queue]);

  const take = async (files: FileList | null): Promise<void> => {
    if (assignmentId === undefined) return;
    setError(undefined);
    for (const bytes of files ?? []) {
      const position = lastPosition.value;
      const facts = { key: newIdempotencyKey(), crewId, assignmentId, deviceTimeMs: Date.now(), bytes };
      await queue.add({ ...facts, ...(position === undefined ? {} : { position }) });
    }
  };

  if (assignmentId === undefined && waiting.own + waiting.others === 0 && error === undefined) return null;
  return (
    <section class="crew-photos">
      {assignmentId !== undefined && (
        <label class="button crew-photo">
          <Icon name="round" size={20} />
          {f("take")}
          <input
            type="file"
            accept="image/jpeg,image/png,image/webp"
            capture="environment"
            multiple
            onChange={(event) => {
              const { files } = event.currentTarget;
              void take(files).catch(setError);
            }}
            data-crew-photo
          />
        </label>
      )}
      <output aria-live="polite">
        {waiting.own > 0 && <span data-photos-waiting={waiting.own}>{f("waiting", { n: String(waiting.own) })}</span>}
        {waiting.others > 0 && (
          <span data-photos-of-others={waiting.others}>{f("of-others", { n: String(waiting.others) })}</span>
        )}
        {taken > 0 && <span data-photos-taken={taken}>{f("taken", { n: String(taken) })}</span>}
      </output>
      {assignmentId !== undefined && <p class="footnote">{f("hint")}</p>}
      {error !== undefined && <ProblemNote error={error} />}
    </section>
  );
}

function pathOf({ assignmentId, deviceTimeMs, position }: QueuedPhoto): string {
  const query = new URLSearchParams({ deviceTimeMs: String(deviceTimeMs) });
  for (const [name, value] of Object.entries(position ?? {})) {
    if (["latitudeDeg", "longitudeDeg", "accuracyM"].includes(name)) query.set(name, String(value));
  }
  return `/assignments/${encodeURIComponent(assignmentId)}/photos?${query.toString()}`;
}
