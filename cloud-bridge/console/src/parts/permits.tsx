import { useState } from "preact/hooks";
import type { Permit, PermitView } from "../../../api/schema/permits.ts";
import { call, newIdempotencyKey } from "../api/client.ts";
import { siteName, siteTimeZone } from "../state/desk.ts";
import { may } from "../state/session.ts";
import { formatDayTime } from "../text/format.ts";
import { locale } from "../text/locale.ts";
import { ruleText as r } from "../text/packs/rules.ts";
import { Dialog } from "./dialog.tsx";
import { given, SelectField, TextArea, TextField, TwoFields } from "./fields.tsx";
import { siteChoices } from "./site-choices.ts";
import { SpanFields, spanMs, spanOf, spanState } from "./span-fields.tsx";

const HOUR_MS = 3_600_000;

interface PermitTableProps {
  readonly permits: readonly PermitView[];
  readonly onRevoke: (permit: PermitView) => void;
}

export function PermitTable({ permits, onRevoke }: PermitTableProps) {
  if (permits.length === 0) return <p class="quiet">{r("permits.none")}</p>;
  return (
    <div class="table-scroll">
      <table class="table">
        <thead>
          <tr>
            {(["permits.number", "permits.site", "from", "to", "state", "by"] as const).map((key) => (
              <th key={key}>{r(key)}</th>
            ))}
            <td />
          </tr>
        </thead>
        <tbody>
          {permits.map((permit) => {
            const zone = siteTimeZone(permit.siteId);
            const state = permit.revokedAtMs === undefined ? spanState(permit) : "revoked";
            const isOpen = state === "coming" || state === "holds";
            return (
              <tr key={permit.id} data-permit={state}>
                <th>{permit.number}</th>
                <td>{siteName(permit.siteId)}</td>
                <td>{formatDayTime(locale.value, permit.fromMs, zone)}</td>
                <td>
                  {formatDayTime(locale.value, permit.toMs, zone)} <small class="quiet">{zone}</small>
                </td>
                <td class={state === "holds" ? "is-good" : "is-dim"}>
                  {r(`state.${state}`)}
                  {permit.revokeCause !== undefined && <small class="quiet"> {permit.revokeCause}</small>}
                </td>
                <td>{permit.revokedBy ?? permit.createdBy}</td>
                <td class="table-acts">
                  {isOpen && may("keepPermits") && (
                    <button type="button" class="button is-small" onClick={() => onRevoke(permit)} data-revoke>
                      {r("permits.revoke")}
                    </button>
                  )}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

export function PermitForm({ onClose }: { readonly onClose: () => void }) {
  const [siteId, setSiteId] = useState("");
  const [number, setNumber] = useState("");
  const [rules, setRules] = useState("");
  const [issuedBy, setIssuedBy] = useState("");
  const [note, setNote] = useState("");
  const [span, setSpan] = useState(() => spanOf(8 * HOUR_MS));
  const [key] = useState(newIdempotencyKey);
  const zone = siteId === "" ? undefined : siteTimeZone(siteId);
  const keep = async (): Promise<void> => {
    const named = rules.split(/[,，]/).flatMap((one) => (one.trim() === "" ? [] : [one.trim()]));
    const body: Permit = {
      siteId,
      number,
      ...spanMs(span, zone),
      ...(named.length === 0 ? {} : { rules: named }),
      ...given("issuedBy", issuedBy),
      ...given("note", note),
    };
    await call("POST", "/permits", { body, idempotencyKey: key });
  };
  return (
    <Dialog title={r("permits.add")} doIt={r("permits.add")} isWide onDo={keep} onClose={onClose}>
      <TwoFields>
        <TextField label={r("permits.number")} value={number} onInput={setNumber} maxLength={64} isFirst />
        <SelectField label={r("permits.site")} value={siteId} options={siteChoices()} onChange={setSiteId} none="" />
      </TwoFields>
      <SpanFields span={span} timeZone={zone} onSpan={setSpan} />
      <TwoFields>
        <TextField label={r("permits.issued-by")} value={issuedBy} onInput={setIssuedBy} maxLength={200} isOptional />
        <TextField
          label={r("permits.rules")}
          value={rules}
          onInput={setRules}
          maxLength={1000}
          hint={r("permits.rules-hint")}
          isOptional
        />
      </TwoFields>
      <TextArea label={r("permits.note")} value={note} onInput={setNote} maxLength={500} isOptional />
    </Dialog>
  );
}

export function RevokePermit({ permit, onClose }: { readonly permit: PermitView; readonly onClose: () => void }) {
  const [cause, setCause] = useState("");
  const [key] = useState(newIdempotencyKey);
  const revoke = async (): Promise<void> => {
    const path = `/permits/${encodeURIComponent(permit.id)}/revoke`;
    await call("POST", path, { body: { cause }, idempotencyKey: key });
  };
  return (
    <Dialog
      title={r("permits.revoke-title", { n: permit.number })}
      doIt={r("permits.revoke")}
      isGrave
      onDo={revoke}
      onClose={onClose}
    >
      <p class="quiet">{r("permits.revoke-lead")}</p>
      <TextArea label={r("cause")} value={cause} onInput={setCause} maxLength={500} isFirst />
    </Dialog>
  );
}
