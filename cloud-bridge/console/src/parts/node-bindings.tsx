import { useEffect, useState } from "preact/hooks";
import type { Static } from "typebox";
import type { DeviceView } from "../../../api/schema/fleet.ts";
import { call, newIdempotencyKey } from "../api/client.ts";
import { siteName, sites } from "../state/desk.ts";
import { may } from "../state/session.ts";
import { formatDayTime } from "../text/format.ts";
import { locale } from "../text/locale.ts";
import { nodeText as n } from "../text/packs/node.ts";
import { Dialog } from "./dialog.tsx";
import { SelectField, TimeField } from "./fields.tsx";
import { localInput, localMs } from "./local-time.ts";
import { ProblemNote } from "./problem.tsx";

type Binding = Static<typeof DeviceView>;

/** Which site each device is and was bound to, from when to when. */
export function NodeBindings({ node, timeZone }: { readonly node: string; readonly timeZone: string | undefined }) {
  const [rows, setRows] = useState<readonly Binding[]>();
  const [moving, setMoving] = useState<string>();
  const [error, setError] = useState<unknown>();
  const load = (): void => {
    call<{ items: Binding[] }>("GET", `/devices?node=${encodeURIComponent(node)}&limit=500&sort=device`).then(
      ({ items }) => setRows(items),
      setError,
    );
  };
  useEffect(load, [node]);
  const when = (ms: number): string => formatDayTime(locale.value, ms, timeZone);
  return (
    <section class="panel" aria-label={n("bindings")} data-bindings>
      <h3>{n("bindings")}</h3>
      <p class="quiet">{n("bindings.lead")}</p>
      <ProblemNote error={error} />
      <div class="table-scroll">
        <table class="table">
          <thead>
            <tr>
              <th scope="col">{n("device")}</th>
              <th scope="col">{n("site")}</th>
              <th scope="col">{n("from")}</th>
              <th scope="col">{n("end")}</th>
              <th scope="col" />
            </tr>
          </thead>
          <tbody>
            {rows?.map(({ device, siteId, fromMs, toMs }) => (
              <tr key={`${device} ${fromMs}`} data-binding={device} data-bound={siteId}>
                <th scope="row">{device}</th>
                <td>{siteName(siteId) ?? siteId ?? "–"}</td>
                <td>{siteId === undefined ? "–" : when(fromMs)}</td>
                <td>{siteId === undefined ? "–" : toMs === undefined ? n("now") : when(toMs)}</td>
                <td>
                  {toMs === undefined && may("addNodes") && (
                    <button type="button" class="button" data-move={device} onClick={() => setMoving(device)}>
                      {n("bind.move")}
                    </button>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {moving !== undefined && (
        <BindForm node={node} device={moving} onClose={() => setMoving(undefined)} onBound={load} />
      )}
    </section>
  );
}

interface FormProps {
  readonly node: string;
  readonly device: string;
  readonly onClose: () => void;
  readonly onBound: () => void;
}

function BindForm({ node, device, onClose, onBound }: FormProps) {
  const [siteId, setSite] = useState("");
  const [from, setFrom] = useState(localInput(Date.now()));
  const [key] = useState(newIdempotencyKey);
  const bind = async (): Promise<void> => {
    const body = { node, device, siteId, fromMs: localMs(from) };
    await call("POST", "/bindings", { body, idempotencyKey: key });
    onBound();
  };
  return (
    <Dialog title={`${n("bind.move")} · ${device}`} doIt={n("bind")} isGrave onDo={bind} onClose={onClose}>
      <p>{n("bind.what")}</p>
      <SelectField
        label={n("site")}
        value={siteId}
        none=""
        options={[...sites.value.values()].map(({ id, name }) => ({ value: id, text: `${name} (${id})` }))}
        onChange={setSite}
      />
      <TimeField label={n("from")} value={from} onInput={setFrom} type="datetime-local" />
    </Dialog>
  );
}
