import { useEffect, useState } from "preact/hooks";
import type { EvidenceBody, EvidenceJudge } from "../../../../protocol/evidence.ts";
import type { CaseDetail } from "../../../api/schema/desk.ts";
import { formatTime } from "../text/format.ts";
import { locale, t } from "../text/locale.ts";

export type Evidence = CaseDetail["evidence"][number];
export type Part = Evidence["parts"][number];

const ASK_AGAIN_MS = 5000;

export interface EvidenceMediaProps {
  readonly evidence: Evidence;
  readonly timeZone: string | undefined;
}

/** Whose model it is stands beside its hash. */
function namedModel({ name, sha256, licence }: EvidenceJudge["model"]): string {
  return [name, sha256.slice(0, 12), ...(licence === undefined ? [] : [licence])].join(" · ");
}

export function partUrl(evidenceId: string, part: string): string {
  return `/api/v1/evidence/${encodeURIComponent(evidenceId)}/parts/${encodeURIComponent(part)}`;
}

/** The pictures and clips of one evidence that are here, to be seen where the case is worked on. */
export function EvidenceMedia({ evidence, timeZone }: EvidenceMediaProps) {
  const shown = evidence.parts.filter(
    ({ type, state }) => state === "stored" && (type === "snapshot" || type === "clip"),
  );
  if (shown.length === 0) return null;
  // The bridge checked it against this very schema when it came.
  const { judgedBy, capture } = evidence.body as EvidenceBody;
  return (
    <div class="media">
      {shown.map((part) => (
        <figure key={part.name} data-media={part.name}>
          {part.type === "clip" ? (
            <Clip evidence={evidence} part={part} />
          ) : (
            <Picture evidence={evidence} part={part} />
          )}
          <figcaption class="quiet">{captionOf(part, timeZone)}</figcaption>
        </figure>
      ))}
      {judgedBy !== undefined && (
        <p class="quiet" data-judged-by>
          {t("evidence.judged-by", {
            model: [judgedBy.model, judgedBy.classifier]
              .flatMap((model) => (model === undefined ? [] : [namedModel(model)]))
              .join(" + "),
            rule: judgedBy.ruleVersion,
          })}
        </p>
      )}
      {capture?.video === "transcoded" && <p class="quiet">{t("evidence.transcoded")}</p>}
    </div>
  );
}

/** What a video round saw: it is asked of the node, and here once its line has carried it. */
export function RoundPicture({ evidenceId }: { readonly evidenceId: string }) {
  const [turn, setTurn] = useState(0);
  const [isHere, setHere] = useState(false);
  useEffect(() => {
    if (isHere) return;
    const timer = setTimeout(() => setTurn(turn + 1), ASK_AGAIN_MS);
    return () => clearTimeout(timer);
  }, [turn, isHere]);
  const url = partUrl(evidenceId, "snapshot");
  return (
    <div class="media" data-media="round">
      {!isHere && <p class="quiet">{t("evidence.awaited")}</p>}
      <a href={url} target="_blank" rel="noreferrer" hidden={!isHere}>
        <img
          src={turn === 0 ? url : `${url}?turn=${turn}`}
          alt={t("evidence.type.snapshot")}
          onLoad={() => setHere(true)}
        />
      </a>
    </div>
  );
}

interface MediaProps {
  readonly evidence: Evidence;
  readonly part: Part;
}

function Picture({ evidence: { evidenceId }, part }: MediaProps) {
  const url = partUrl(evidenceId, part.name);
  return (
    <a href={url} target="_blank" rel="noreferrer">
      <img src={url} alt={partName(part)} loading="lazy" decoding="async" />
    </a>
  );
}

/** Only its head is loaded until somebody plays it. */
function Clip({ evidence: { evidenceId }, part }: MediaProps) {
  const [isUnplayable, setUnplayable] = useState(false);
  const url = partUrl(evidenceId, part.name);
  if (isUnplayable) {
    return (
      <a href={url} download={`${evidenceId}-${part.name}.mp4`}>
        {t("evidence.unplayable")}
      </a>
    );
  }
  return <video src={url} controls muted playsInline preload="metadata" onError={() => setUnplayable(true)} />;
}

function captionOf(part: Part, timeZone: string | undefined): string {
  const from = formatTime(locale.value, part.fromMs, timeZone);
  if (part.type === "snapshot") return `${partName(part)} ${from}`;
  return `${partName(part)} ${from}–${formatTime(locale.value, part.toMs, timeZone)}`;
}

export function partName({ name, type }: Part): string {
  return name === "snapshot-boxes" ? t("evidence.boxes") : t(`evidence.type.${type}`);
}
