import { useState } from "preact/hooks";
import type { NodeView } from "../../../api/schema/fleet.ts";
import type { InhibitionView, NewInhibition } from "../../../api/schema/whistles.ts";
import { call } from "../api/client.ts";
import { siteName, siteTimeZone } from "../state/desk.ts";
import { may } from "../state/session.ts";
import { formatDayTime } from "../text/format.ts";
import { locale } from "../text/locale.ts";
import { ruleText as r } from "../text/packs/rules.ts";
import { Dialog } from "./dialog.tsx";
import { Choice, given, SelectField, TextArea, TextField, TwoFields } from "./fields.tsx";
import { siteChoices } from "./site-choices.ts";
import { SpanFields, spanMs, spanOf, spanState } from "./span-fields.tsx";

const HOUR_MS = 3_600_000;

interface InhibitionTableProps {
  readonly inhibitions: readonly InhibitionView[];
  readonly nodes: readonly NodeView[];
  readonly onEnd: (inhibition: InhibitionView) => void;
}

export function InhibitionTable({ inhibitions, nodes, onEnd }: InhibitionTableProps) {
  if (inhibitions.length === 0) return <p class="quiet">{r("work.none")}</p>;
  return (
    <div class="table-scroll">
      <table class="table">
        <thead>
          <tr>
            {(["work.where", "from", "to", "state", "cause", "by"] as const).map((key) => (
              <th key={key}>{r(key)}</th>
            ))}
            <td />
          </tr>
        </thead>
        <tbody>
          {inhibitions.map((one) => {
            const { id, node, device, siteId, fromMs, toMs, cause, endedAtMs } = one;
            const zone = siteTimeZone(siteId ?? nodes.find((known) => known.id === node)?.siteId);
            const endMs = Math.min(toMs, endedAtMs ?? toMs);
            const state = endedAtMs === undefined ? spanState(one) : "over";
            return (
              <tr key={id} data-work={state}>
                <th>{[siteName(siteId), node, device].filter((part) => part !== undefined).join(" · ")}</th>
                <td>{formatDayTime(locale.value, fromMs, zone)}</td>
                <td>
                  {formatDayTime(locale.value, endMs, zone)} <small class="quiet">{zone}</small>
                </td>
                <td class={state === "holds" ? "is-warning" : "is-dim"}>{r(`state.${state}`)}</td>
                <td>{cause}</td>
                <td>{one.endedBy ?? one.createdBy}</td>
                <td class="table-acts">
                  {state !== "over" && may("keepWork") && (
                    <button type="button" class="button is-small" onClick={() => onEnd(one)} data-end-work>
                      {r("work.end")}
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

interface InhibitionFormProps {
  readonly nodes: readonly NodeView[];
  readonly onClose: () => void;
}

export function InhibitionForm({ nodes, onClose }: InhibitionFormProps) {
  const [where, setWhere] = useState("site");
  const [siteId, setSiteId] = useState("");
  const [node, setNode] = useState("");
  const [device, setDevice] = useState("");
  const [cause, setCause] = useState("");
  const [span, setSpan] = useState(() => spanOf(2 * HOUR_MS));
  const zone = siteTimeZone(where === "site" ? siteId || undefined : nodes.find(({ id }) => id === node)?.siteId);
  const begin = async (): Promise<void> => {
    const place = where === "site" ? { siteId } : { node, ...given("device", device) };
    const body: NewInhibition = { ...place, cause, ...spanMs(span, zone) };
    await call("POST", "/inhibitions", { body });
  };
  return (
    <Dialog title={r("work.add")} doIt={r("work.add")} isWide onDo={begin} onClose={onClose}>
      <p class="quiet">{r("work.lead")}</p>
      <Choice
        label={r("work.where")}
        name="where"
        value={where}
        options={[
          { value: "site", text: r("work.at-site") },
          { value: "node", text: r("work.at-node") },
        ]}
        onChange={setWhere}
        isFirst
      />
      {where === "site" ? (
        <SelectField label={r("permits.site")} value={siteId} options={siteChoices()} onChange={setSiteId} none="" />
      ) : (
        <TwoFields>
          <SelectField
            label={r("work.node")}
            value={node}
            options={nodes.map(({ id }) => ({ value: id, text: id }))}
            onChange={setNode}
            none=""
          />
          <TextField
            label={r("work.device")}
            value={device}
            onInput={setDevice}
            maxLength={64}
            hint={r("work.device-hint")}
            isOptional
          />
        </TwoFields>
      )}
      <SpanFields span={span} timeZone={zone} onSpan={setSpan} />
      <TextArea label={r("cause")} value={cause} onInput={setCause} maxLength={500} />
    </Dialog>
  );
}

export function EndInhibition({ id, onClose }: { readonly id: string; readonly onClose: () => void }) {
  const end = async (): Promise<void> => {
    await call("DELETE", `/inhibitions/${encodeURIComponent(id)}`);
  };
  return (
    <Dialog title={r("work.end-title")} doIt={r("work.end")} onDo={end} onClose={onClose}>
      <p class="quiet">{r("work.end-lead")}</p>
    </Dialog>
  );
}
