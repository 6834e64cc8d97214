import { useState } from "preact/hooks";
import "../styles/desk-forms.css";
import type { ReportAct, ReportView } from "../../../api/schema/casework.ts";
import type { CaseDetail, CaseView } from "../../../api/schema/desk.ts";
import { call, newIdempotencyKey } from "../api/client.ts";
import { refreshSelected } from "../state/desk.ts";
import { catalogue, categoryName, namedIn, unitName } from "../state/registers.ts";
import { may } from "../state/session.ts";
import { formatDayTime, formatNumber } from "../text/format.ts";
import { locale } from "../text/locale.ts";
import { formText } from "../text/packs/act-forms.ts";
import { factText as f } from "../text/packs/case-facts.ts";
import { Dialog } from "./dialog.tsx";
import { RoundPicture } from "./evidence-media.tsx";
import { Choice, given, TextArea } from "./fields.tsx";

export interface CaseFactsProps {
  readonly detail: CaseDetail;
  readonly timeZone: string | undefined;
}

/** What is known of a case besides its levels; what is not known is not there. */
export function CaseFacts({ detail, timeZone }: CaseFactsProps) {
  const { case: view, reports = [] } = detail;
  const facts = factsOf(view, timeZone);
  return (
    <section class="panel" aria-label={f("title")} data-case-facts>
      <h3>{f("title")}</h3>
      {view.isHeld === true && <p class="hint">{f("held")}</p>}
      {view.description !== undefined && <p class="case-description">{view.description}</p>}
      <dl class="facts is-loose">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
        <CaseLink name={f("parent")} id={view.parentId} />
        <CaseLink name={f("merged")} id={view.mergedInto} />
      </dl>
      {reports.length > 0 && (
        <>
          <h3 class="facts-more">{f("reports")}</h3>
          <ul class="reports">
            {reports.map((report) => (
              <Report key={report.id} report={report} timeZone={timeZone} />
            ))}
          </ul>
        </>
      )}
    </section>
  );
}

function CaseLink({ name, id }: { readonly name: string; readonly id: string | undefined }) {
  if (id === undefined) return null;
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        <a href={`/desk/${encodeURIComponent(id)}`}>{f("go")}</a>
      </dd>
    </div>
  );
}

const ESCALATED = ["supervisor", "district", "city"] as const;
const FOUND_BY = ["meter", "camera-rule", "video-round", "patrol", "citizen", "officer", "watch"] as const;

function factsOf(view: CaseView, timeZone: string | undefined): (readonly [string, string])[] {
  const tables = catalogue.value;
  const some = (value: string | undefined, say: (value: string) => string = (text) => text): string | undefined =>
    value === undefined ? undefined : say(value);
  const count = (n: number | undefined): string | undefined =>
    n === undefined || n === 0 ? undefined : f("times", { n });
  const known = <T extends string>(names: readonly T[], value: string | undefined): T | undefined =>
    names.find((name) => name === value);
  const escalatedTo = known(ESCALATED, view.escalatedTo);
  const foundBy = known(FOUND_BY, view.foundBy);
  const { position, suspendedUntilMs, fineCny, satisfaction } = view;
  const place = position && `${position.latitudeDeg.toFixed(5)}, ${position.longitudeDeg.toFixed(5)}`;
  const others = view.unitIds?.filter((id) => id !== view.unitId) ?? [];
  const facts: (readonly [string, string | undefined])[] = [
    [f("category"), categoryName(view)],
    [f("class"), some(view.slaClass, (code) => namedIn(tables?.slaClasses, code))],
    [f("unit"), some(view.unitId, unitName)],
    [f("units"), others.length === 0 ? undefined : others.map(unitName).join(" · ")],
    [f("found-by"), foundBy === undefined ? undefined : formText(`found-by.${foundBy}`)],
    [f("address"), view.address],
    [f("place"), place ?? (view.toLocate === true ? f("no-place") : undefined)],
    [f("grid"), view.gridCell],
    [f("source"), view.source === undefined ? undefined : [view.source, view.externalId].filter(Boolean).join(" · ")],
    [
      f("suspended"),
      suspendedUntilMs === undefined ? undefined : formatDayTime(locale.value, suspendedUntilMs, timeZone),
    ],
    [f("escalated"), escalatedTo === undefined ? view.escalatedTo : f(`escalated.${escalatedTo}`)],
    [f("supervised"), count(view.supervisionCount)],
    [f("reopened"), count(view.reopenCount)],
    [f("outcome"), view.outcome],
    [f("ground"), some(view.ground, (code) => namedIn(tables?.grounds, code))],
    [f("penalty"), view.penaltyNumber],
    [f("fine"), fineCny === undefined ? undefined : f("cny", { n: formatNumber(locale.value, fineCny, 2) })],
    [f("satisfaction"), satisfaction === undefined ? undefined : f("of-five", { n: satisfaction })],
  ];
  return facts.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));
}

function Report({ report, timeZone }: { readonly report: ReportView; readonly timeZone: string | undefined }) {
  const [isAsked, setAsked] = useState(false);
  const { channel, source, externalId, title, reporter, contact, receivedAtMs, position, isResolved } = report;
  const word = f(isResolved === true ? "report.solved" : "report.not-solved");
  const standing = [
    position === undefined ? f("report.no-place") : undefined,
    report.resultTakenAtMs !== undefined ? f("report.took") : f("report.waits"),
    isResolved === undefined ? undefined : f("report.called", { word }),
    report.satisfaction === undefined ? undefined : f("of-five", { n: report.satisfaction }),
  ].filter((one) => one !== undefined);
  return (
    <li class="report">
      <p>
        <strong>{title}</strong> <span class="tag">{formText(`channel.${channel}`)}</span>
      </p>
      <p class="quiet">
        {formatDayTime(locale.value, receivedAtMs, timeZone)} · {source} {externalId}
      </p>
      {(reporter !== undefined || contact !== undefined) && (
        <p>{[reporter, contact].filter((one) => one !== undefined).join(" · ")}</p>
      )}
      <p class="quiet">{standing.join(" · ")}</p>
      {report.source === "video-round" && <RoundPicture evidenceId={report.externalId} />}
      {may("actOnCases") && report.calledBackAtMs === undefined && (
        <button type="button" class="button is-small" onClick={() => setAsked(true)} data-call-back>
          {f("call-back")}
        </button>
      )}
      {isAsked && <CallBack report={report} onClose={() => setAsked(false)} />}
    </li>
  );
}

function CallBack({ report, onClose }: { readonly report: ReportView; readonly onClose: () => void }) {
  const [isResolved, setResolved] = useState("");
  const [marks, setMarks] = useState("");
  const [cause, setCause] = useState("");
  const [key] = useState(newIdempotencyKey);
  const send = async (): Promise<void> => {
    const body: ReportAct = {
      act: "call-back",
      isResolved: isResolved === "yes",
      ...(marks === "" ? {} : { satisfaction: Number(marks) }),
      ...given("cause", cause),
    };
    await call("POST", `/reports/${encodeURIComponent(report.id)}/acts`, { body, idempotencyKey: key });
    await refreshSelected();
  };
  return (
    <Dialog
      title={f("call-back.title", { n: report.externalId })}
      doIt={f("call-back.do")}
      onDo={send}
      onClose={onClose}
    >
      <p class="quiet">{f("call-back.lead")}</p>
      <Choice
        label={f("call-back.solved")}
        name="solved"
        value={isResolved}
        options={(["yes", "no"] as const).map((one) => ({ value: one, text: f(`call-back.${one}`) }))}
        onChange={setResolved}
        isFirst
      />
      <Choice
        label={f("call-back.marks")}
        name="marks"
        value={marks}
        options={["", "1", "2", "3", "4", "5"].map((n) => ({
          value: n,
          text: n === "" ? f("call-back.not-asked") : n,
        }))}
        onChange={setMarks}
      />
      <TextArea label={f("call-back.words")} value={cause} onInput={setCause} maxLength={500} isOptional />
    </Dialog>
  );
}
