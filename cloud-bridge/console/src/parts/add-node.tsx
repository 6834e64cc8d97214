import { useState } from "preact/hooks";
import type { NodeToken } from "../../../api/schema/fleet.ts";
import { call } from "../api/client.ts";
import { refreshFleet } from "../state/fleet-list.ts";
import { formatTime } from "../text/format.ts";
import { locale, t } from "../text/locale.ts";
import { fleetText as f } from "../text/packs/fleet.ts";
import { CopyLine } from "./copy-line.tsx";
import { Dialog } from "./dialog.tsx";

/** A name in, one line to paste on the box out. The token is shown once and works once. */
export function AddNode({ onClose }: { readonly onClose: () => void }) {
  const [id, setId] = useState("");
  const [token, setToken] = useState<NodeToken>();
  if (token) {
    return (
      <Dialog title={f("add-node.done", { node: token.node })} onClose={onClose}>
        <p class="quiet">{f("add-node.paste")}</p>
        <CopyLine text={token.command} />
        <p class="footnote">
          {f("add-node.expires", { time: formatTime(locale.value, token.expiresAtMs, undefined) })}
        </p>
      </Dialog>
    );
  }
  const add = async (): Promise<void> => {
    setToken(await call<NodeToken>("POST", "/nodes", { body: { node: id } }));
    await refreshFleet();
  };
  return <AskNode id={id} setId={setId} add={add} onClose={onClose} />;
}

interface AskNodeProps {
  readonly id: string;
  readonly setId: (id: string) => void;
  readonly add: () => Promise<void>;
  readonly onClose: () => void;
}

function AskNode({ id, setId, add, onClose }: AskNodeProps) {
  return (
    <Dialog title={t("nodes.add")} doIt={f("add-node.make")} onDo={add} onClose={onClose} staysOpen>
      <p class="quiet">{f("add-node.lead")}</p>
      <label class="field">
        <span>{f("add-node.id")}</span>
        <input
          value={id}
          onInput={(event) => setId(event.currentTarget.value)}
          required
          pattern="[a-z0-9][a-z0-9\-]{0,62}"
          maxLength={63}
          placeholder={f("add-node.example")}
          spellcheck={false}
          autoCapitalize="none"
        />
        <small class="quiet">{t("add-node.id-hint")}</small>
      </label>
    </Dialog>
  );
}
