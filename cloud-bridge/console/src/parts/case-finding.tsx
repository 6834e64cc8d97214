import type { Finding } from "../../../../protocol/finding.ts";
import type { CaseDetail } from "../../../api/schema/desk.ts";
import { formatDayTime, formatLevel, formatNumber } from "../text/format.ts";
import { locale, t } from "../text/locale.ts";

export interface CaseFindingProps {
  readonly detail: CaseDetail;
  readonly timeZone: string | undefined;
}

/** The measurement record of the newest exceedance of the case; a trigger has none. */
export function CaseFinding({ detail, timeZone }: CaseFindingProps) {
  const finding = detail.alarms.findLast(({ body }) => body.finding !== undefined)?.body.finding;
  if (finding === undefined) return null;
  return (
    <section class="panel" aria-label={t("finding.title")}>
      <h3>
        {t("finding.title")}
        <span class="quiet">
          {finding.ruleSet} · {finding.zone}
          {finding.estimated && ` · ${t("levels.estimated")}`}
        </span>
      </h3>
      {!finding.isValid && (
        <p class="hint">
          {t("finding.invalid")} {finding.reasons.map((reason) => t(`finding.reason.${reason}`)).join(" · ")}
        </p>
      )}
      <dl class="facts">
        {factsOf(finding, timeZone).map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

/** Only what is known is shown. */
function factsOf(finding: Finding, timeZone: string | undefined): (readonly [string, string])[] {
  const { site, meter, background, excluded, correctedDb, lamaxLimitDb, driftDb, weather } = finding;
  const level = (db: number): string => `${formatLevel(locale.value, db)} ${t("unit.dba")}`;
  const time = (atMs: number): string => formatDayTime(locale.value, atMs, timeZone);
  const leftOutS = Object.values(excluded).reduce((sum, seconds) => sum + seconds, 0);
  const valid = t("finding.valid", { pct: formatNumber(locale.value, finding.validPct, 1), n: leftOutS });
  const facts: (readonly [string, string | undefined])[] = [
    [t("finding.laeq"), `${level(finding.laeqDb)} · ${t("levels.limit", { n: finding.limitDb })}`],
    [t("finding.corrected"), correctedDb === undefined ? undefined : level(correctedDb)],
    [t("finding.background"), background === undefined ? undefined : level(background.levelDb)],
    [
      t("finding.lamax"),
      lamaxLimitDb === undefined
        ? level(finding.lamaxDb)
        : `${level(finding.lamaxDb)} · ${t("levels.limit", { n: lamaxLimitDb })}`,
    ],
    [t("finding.window"), `${time(finding.fromMs)} – ${time(finding.toMs)} · ${t(`finding.${finding.period}`)}`],
    [t("finding.data"), valid],
    [t("finding.weather"), weather === undefined ? undefined : known(weatherWords(weather))],
    [t("finding.place"), known([site?.name, site?.address, finding.point])],
    [t("finding.unit"), site?.unit],
    [t("finding.meter"), known([meter?.model, meter?.serialNumber])],
    [t("finding.calibrator"), known([meter?.calibrator?.model, meter?.calibrator?.serialNumber])],
    [t("finding.drift"), driftDb === undefined ? undefined : `${formatNumber(locale.value, driftDb, 1)} dB`],
  ];
  return facts.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));
}

function weatherWords({ windMps, hasRained }: NonNullable<Finding["weather"]>): (string | undefined)[] {
  const wind = windMps === undefined ? undefined : t("finding.wind", { n: formatNumber(locale.value, windMps, 1) });
  const rain = hasRained === undefined ? undefined : t(hasRained ? "finding.rain" : "finding.dry");
  return [wind, rain];
}

function known(parts: readonly (string | undefined)[]): string | undefined {
  const some = parts.filter((part) => part !== undefined);
  return some.length === 0 ? undefined : some.join(" · ");
}
