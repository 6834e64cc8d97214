import type { CaseDetail } from "../../../api/schema/desk.ts";
import { formatDayTime, formatNumber } from "../text/format.ts";
import { locale, t } from "../text/locale.ts";
import { EvidenceMedia, partUrl } from "./evidence-media.tsx";

export interface CaseEvidenceProps {
  readonly detail: CaseDetail;
  readonly timeZone: string | undefined;
}

type Evidence = CaseDetail["evidence"][number];
type Part = Evidence["parts"][number];

/** What proves the case: each part with how far it has come, and why it is not there where it is not. */
export function CaseEvidence({ detail, timeZone }: CaseEvidenceProps) {
  const { evidence } = detail;
  if (evidence.length === 0) return null;
  const bundle = `/api/v1/cases/${encodeURIComponent(detail.case.id)}/evidence-bundle`;
  return (
    <section class="panel" aria-label={t("evidence.title")} data-evidence>
      <h3>
        {t("evidence.title")}
        <a class="quiet" href={bundle} download>
          {t("evidence.bundle")}
        </a>
      </h3>
      {evidence.map((one) => (
        <div key={one.evidenceId}>
          <EvidenceMedia evidence={one} timeZone={timeZone} />
          <dl class="facts">
            {one.parts.map((part) => (
              <div key={part.name} data-part-state={part.state}>
                <dt>
                  {t(`evidence.type.${part.type}`)} {formatDayTime(locale.value, part.fromMs, timeZone)}
                </dt>
                <dd>{partWords(one, part)}</dd>
              </div>
            ))}
            {one.missing.map(({ name, reason }) => (
              <div key={`missing ${name}`} data-part-state="missing">
                <dt>{name}</dt>
                <dd>
                  {t("evidence.missing")}: {reason}
                </dd>
              </div>
            ))}
            {one.signature !== "good" && (
              <div>
                <dt>{t("evidence.signature")}</dt>
                <dd>{t(`evidence.signature.${one.signature}`)}</dd>
              </div>
            )}
          </dl>
        </div>
      ))}
    </section>
  );
}

function partWords({ evidenceId }: Evidence, { name, state, sizeBytes, receivedBytes, reason }: Part) {
  if (state === "stored") {
    return (
      <a href={partUrl(evidenceId, name)} target="_blank" rel="noreferrer">
        {t("evidence.stored", { size: kilobytes(sizeBytes) })}
      </a>
    );
  }
  const words = t(`evidence.${state}`, { got: kilobytes(receivedBytes), size: kilobytes(sizeBytes) });
  return reason === undefined ? words : `${words} (${reason})`;
}

function kilobytes(bytes: number): string {
  return formatNumber(locale.value, bytes / 1000, bytes < 10_000 ? 1 : 0);
}
