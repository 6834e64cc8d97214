import { useEffect, useState } from "preact/hooks";
import "../styles/messages.css";
import type { CaseView } from "../../../api/schema/desk.ts";
import type { NoticeView } from "../../../api/schema/notices.ts";
import { call, newIdempotencyKey } from "../api/client.ts";
import { crews } from "../state/desk.ts";
import { formatDayTime } from "../text/format.ts";
import { locale } from "../text/locale.ts";
import { messageText as m } from "../text/packs/messages.ts";
import { entryName } from "../text/sentences.ts";
import { Icon, type IconName } from "./icon.tsx";
import { ProblemNote } from "./problem.tsx";

type State = NoticeView["state"];
const LOOK: Readonly<Record<State, { readonly icon: IconName; readonly mood: string }>> = {
  waiting: { icon: "queue", mood: "is-warning" },
  delivered: { icon: "acknowledged", mood: "is-good" },
  dead: { icon: "overdue", mood: "is-bad" },
  cancelled: { icon: "false-alarm", mood: "is-dim" },
};
const CHANNELS = ["crew-page", "vehicle", "radio-text"] as const;

export function channelName(channel: string): string {
  const known = CHANNELS.find((one) => one === channel);
  if (known !== undefined) return m(`channel.${known}`);
  return channel.startsWith("webhook:") ? m("channel.webhook", { name: channel.slice("webhook:".length) }) : channel;
}

export interface NoticeListProps {
  readonly notices: readonly NoticeView[];
  readonly isOfCase?: boolean;
  readonly onRetried: () => void;
}

/** Each message with how it is known that it arrived, or why not. */
export function NoticeList({ notices, isOfCase = false, onRetried }: NoticeListProps) {
  const [error, setError] = useState<unknown>();
  const retry = (id: number): void => {
    setError(undefined);
    call("POST", `/notices/${id}/retry`, { idempotencyKey: newIdempotencyKey() }).then(onRetried, setError);
  };
  const time = (atMs: number): string => formatDayTime(locale.value, atMs, undefined);
  return (
    <>
      <ProblemNote error={error} />
      <ul class="notices">
        {notices.map((notice) => {
          const { icon, mood } = LOOK[notice.state];
          const crew = crews.value.find(({ id }) => id === notice.crewId)?.name ?? notice.crewId;
          return (
            <li key={notice.id} class="notice" data-notice={notice.state}>
              <span class={`due ${mood}`}>
                <Icon name={icon} size={14} /> {m(`state.${notice.state}`)}
              </span>
              <span>
                <strong>{[crew, channelName(notice.channel)].filter((one) => one !== undefined).join(" · ")}</strong>{" "}
                <span class="quiet">
                  {entryName(locale.value, notice.reason)} · {time(notice.createdAtMs)}
                </span>
                <small class="below">
                  {[
                    notice.deliveredAtMs === undefined ? undefined : time(notice.deliveredAtMs),
                    notice.deliveredTo,
                    notice.state === "delivered" ? undefined : notice.lastError,
                    notice.attempts > 0 ? m("attempts", { n: notice.attempts }) : undefined,
                    notice.nextTryAtMs === undefined ? undefined : m("next", { time: time(notice.nextTryAtMs) }),
                  ]
                    .filter((one) => one !== undefined)
                    .join(" · ")}
                </small>
              </span>
              <span class="notice-acts">
                {!isOfCase && (
                  <a class="button is-small" href={`/desk/${encodeURIComponent(notice.caseId)}`}>
                    {m("case")}
                  </a>
                )}
                {notice.state === "dead" && (
                  <button type="button" class="button is-small" onClick={() => retry(notice.id)} data-retry={notice.id}>
                    {m("retry")}
                  </button>
                )}
              </span>
            </li>
          );
        })}
      </ul>
    </>
  );
}

/** Whom this case was told to. */
export function CaseNotices({ view }: { readonly view: CaseView }) {
  const [notices, setNotices] = useState<readonly NoticeView[]>([]);
  const [asked, setAsked] = useState(0);
  useEffect(() => {
    const stop = new AbortController();
    const path = `/notices?limit=50&caseId=${encodeURIComponent(view.id)}`;
    call<{ items: NoticeView[] }>("GET", path, { signal: stop.signal }).then(
      ({ items }) => setNotices(items),
      () => {},
    );
    return () => stop.abort();
  }, [view.id, view.updatedAtMs, asked]);
  if (notices.length === 0) return null;
  return (
    <section class="panel" aria-label={m("title")} data-case-notices>
      <h3>{m("title")}</h3>
      <NoticeList notices={notices} isOfCase onRetried={() => setAsked(asked + 1)} />
    </section>
  );
}
