import { Fragment } from "preact";
import type { TimelineEntry } from "../../../api/schema/desk.ts";
import { crews } from "../state/desk.ts";
import { formatLevel, formatTime } from "../text/format.ts";
import { locale, t } from "../text/locale.ts";
import { entryName, sayIn } from "../text/sentences.ts";
import { Icon, type IconName } from "./icon.tsx";

const CHANNEL_LOOK: Readonly<Record<TimelineEntry["channel"], IconName>> = {
  system: "machine",
  console: "person",
  "crew-page": "phone",
  sensor: "sensor",
  gps: "place",
  radio: "radio",
  "vehicle-page": "radio",
  api: "machine",
};

/** Beyond this the two clocks of an entry tell different stories: the act was made in a dead spot. */
const SAME_MOMENT_MS = 5000;

export interface TimelineProps {
  readonly entries: readonly TimelineEntry[];
  readonly timeZone: string | undefined;
}

/** Newest first. Each entry names who, by which channel, and both clocks where there are two. */
export function Timeline({ entries, timeZone }: TimelineProps) {
  return (
    <ol class="timeline" aria-label={t("timeline.label")}>
      {folded([...entries].reverse()).map(([entry, ...rest]) => (
        <Fragment key={entry.seq}>
          <Entry entry={entry} timeZone={timeZone} />
          {rest.length > 0 && (
            <li class="entry-fold">
              <details>
                <summary>{t("timeline.folded", { n: rest.length })}</summary>
                <ol>
                  {rest.map((one) => (
                    <Entry key={one.seq} entry={one} timeZone={timeZone} />
                  ))}
                </ol>
              </details>
            </li>
          )}
        </Fragment>
      ))}
    </ol>
  );
}

const FOLD_FROM = 3;
const FOLDED = new Set(["alarm-joined", "alarm-cleared", "alarm-raised-again", "report-joined"]);

type Run = [TimelineEntry, ...TimelineEntry[]];

/** A flapping meter says the same many times: the newest stands, the others open on demand. What people did never folds. */
function folded(entries: readonly TimelineEntry[]): Run[] {
  const runs: Run[] = [];
  for (const entry of entries) {
    const run = runs.at(-1);
    if (run && FOLDED.has(entry.kind) && run[0].kind === entry.kind) run.push(entry);
    else runs.push([entry]);
  }
  return runs.flatMap((run) => (run.length >= FOLD_FROM ? [run] : run.map((entry): Run => [entry])));
}

function Entry({ entry, timeZone }: { readonly entry: TimelineEntry; readonly timeZone: string | undefined }) {
  const { kind, actor, channel, deviceTimeMs, serverTimeMs, position, cause } = entry;
  const levelDb = entry.detail?.["levelDb"];
  const found = entry.detail?.["found"];
  const stampedAtMs = entry.detail?.["stampedAtMs"];
  const isLater = deviceTimeMs !== undefined && Math.abs(serverTimeMs - deviceTimeMs) > SAME_MOMENT_MS;
  return (
    <li class={`entry by-${channel}`}>
      <time class="entry-time" dateTime={new Date(serverTimeMs).toISOString()}>
        {formatTime(locale.value, serverTimeMs, timeZone)}
      </time>
      <span class="entry-mark" title={t(`channel.${channel}`)}>
        <Icon name={CHANNEL_LOOK[channel]} size={13} />
      </span>
      <div class="entry-body">
        <span class="entry-name">{entryName(locale.value, kind)}</span>
        <span class="entry-who">
          {channel === "system" ? actorName(actor) : `${actorName(actor)} · ${t(`channel.${channel}`)}`}
        </span>
        {typeof levelDb === "number" && (
          <span class="entry-level">
            {formatLevel(locale.value, levelDb)} {t("unit.dba")}
          </span>
        )}
        {typeof found === "string" && <p class="entry-cause">{found}</p>}
        {cause !== undefined && <p class="entry-cause">{sayIn(locale.value, cause)}</p>}
        {deviceTimeMs !== undefined && (
          <span class={`entry-clock${isLater ? " is-later" : ""}`}>
            <Icon name={isLater ? "queue" : "clock"} size={12} />
            {t(isLater ? "timeline.device-clock-later" : "timeline.device-clock", {
              time: formatTime(locale.value, deviceTimeMs, timeZone),
            })}
          </span>
        )}
        {typeof stampedAtMs === "number" && (
          <span class="entry-clock is-later">
            <Icon name="clock" size={12} />
            {t("timeline.corrected", { time: new Date(stampedAtMs).toISOString().slice(0, 19).replace("T", " ") })}
          </span>
        )}
        {position && (
          <span class="entry-clock">
            <Icon name="place" size={12} />
            {position.latitudeDeg.toFixed(5)}, {position.longitudeDeg.toFixed(5)}
          </span>
        )}
      </div>
      <abbr class="entry-hash" title={t("timeline.hash", { hash: entry.hash })}>
        {entry.hash.slice(0, 6)}
      </abbr>
    </li>
  );
}

function actorName(actor: string): string {
  if (actor.startsWith("crew:")) return crews.value.find(({ id }) => `crew:${id}` === actor)?.name ?? actor;
  return actor.startsWith("system:") ? t("timeline.bridge", { part: actor.slice("system:".length) }) : actor;
}
