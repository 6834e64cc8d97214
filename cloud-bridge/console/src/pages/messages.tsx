import { useEffect, useState } from "preact/hooks";
import type { Static } from "typebox";
import type { Backlog, NoticeView } from "../../../api/schema/notices.ts";
import { call } from "../api/client.ts";
import { nowMs } from "../clock.ts";
import { Segments } from "../parts/figures.tsx";
import { Icon } from "../parts/icon.tsx";
import { channelName, NoticeList } from "../parts/notices.tsx";
import { ProblemNote } from "../parts/problem.tsx";
import { loadCrews } from "../state/desk.ts";
import { formatAge } from "../text/format.ts";
import { locale } from "../text/locale.ts";
import { messageText as m } from "../text/packs/messages.ts";

type BacklogRow = Static<typeof Backlog>;
const REFRESH_MS = 5000;
const PAGE = 100;
const SHOWS = ["all", "waiting", "dead", "delivered", "cancelled"] as const;
type Show = (typeof SHOWS)[number];

/** The outbox: what is still to be told stands first, what was told stands with its proof. */
export function MessagesPage() {
  const [show, setShow] = useState<Show>("all");
  const [limit, setLimit] = useState(PAGE);
  const [notices, setNotices] = useState<readonly NoticeView[]>();
  const [backlog, setBacklog] = useState<readonly BacklogRow[]>([]);
  const [hasMore, setMore] = useState(false);
  const [error, setError] = useState<unknown>();
  const load = async (): Promise<void> => {
    const state = show === "all" ? "" : `&state=${show}`;
    try {
      const [list, behind] = await Promise.all([
        call<{ items: NoticeView[]; next?: string }>("GET", `/notices?limit=${limit}${state}`),
        call<{ items: BacklogRow[] }>("GET", "/notices/backlog"),
      ]);
      setNotices(list.items);
      setMore(list.next !== undefined && limit < 500);
      setBacklog(behind.items);
      setError(undefined);
    } catch (cause) {
      setError(cause);
    }
  };
  useEffect(() => {
    loadCrews().catch(() => {});
  }, []);
  useEffect(() => {
    void load();
    const timer = setInterval(() => void load(), REFRESH_MS);
    return () => clearInterval(timer);
  }, [show, limit]);
  const behind = backlog.filter(({ waiting, dead }) => waiting + dead > 0);
  return (
    <div class="page">
      <header class="page-head">
        <h1>{m("title")}</h1>
        <Segments
          label={m("show")}
          options={SHOWS.map((one) => ({ value: one, text: one === "all" ? m("show.all") : m(`state.${one}`) }))}
          value={show}
          onChange={setShow}
        />
      </header>
      <p class="quiet">{m("lead")}</p>
      <ProblemNote error={error} />
      <section class="panel" aria-label={m("backlog")} data-backlog>
        <h3>{m("backlog")}</h3>
        {behind.length === 0 && <p class="quiet">{m("backlog.none")}</p>}
        <ul class="backlog">
          {behind.map(({ channel, waiting, dead, oldestWaitingAtMs }) => (
            <li key={channel}>
              <strong>{channelName(channel)}</strong>
              <span class={`due ${waiting > 0 ? "is-warning" : "is-dim"}`}>
                <Icon name="queue" size={13} /> {waiting} {m("waiting")}
              </span>
              <span class={`due ${dead > 0 ? "is-bad" : "is-dim"}`}>
                <Icon name="overdue" size={13} /> {dead} {m("dead")}
              </span>
              {oldestWaitingAtMs !== undefined && (
                <small class="quiet">
                  {m("oldest", { time: formatAge(locale.value, nowMs.value - oldestWaitingAtMs) })}
                </small>
              )}
            </li>
          ))}
        </ul>
      </section>
      {notices !== undefined && (
        <section class="panel" aria-label={m("title")}>
          {notices.length === 0 && <p class="quiet">{m("none")}</p>}
          <NoticeList notices={notices} onRetried={() => void load()} />
          {hasMore && (
            <button type="button" class="button is-small" onClick={() => setLimit(Math.min(500, limit + PAGE))}>
              {m("more")}
            </button>
          )}
        </section>
      )}
    </div>
  );
}
