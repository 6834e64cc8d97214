import { useState } from "preact/hooks";
import type { CommandOrder, CommandView } from "../../../api/schema/commands.ts";
import type { NodeView } from "../../../api/schema/fleet.ts";
import { call, newIdempotencyKey } from "../api/client.ts";
import { nodeText as n } from "../text/packs/node.ts";
import { Dialog } from "./dialog.tsx";
import { Choice, SelectField, TextArea, TextField } from "./fields.tsx";

export type OrderKind = Exclude<CommandOrder["kind"], "config" | "update">;

/** What a driver may serve an order of a kind; others are not offered. */
const SERVES: Partial<Record<OrderKind, RegExp>> = {
  snapshot: /camera/,
  clip: /camera/,
  text: /tetra|radio|io$/,
  status: /tetra|radio/,
  relay: /io$|relay/,
};
/** Something real happens at the site, or the box is deaf for a while. */
const GRAVE: readonly OrderKind[] = ["restart", "relay"];
const LEVELS = ["debug", "info", "warn", "error"] as const;

/** Devices of a node that an order of this kind may go to; undefined where it goes to the box itself. */
export function devicesFor(kind: OrderKind, node: NodeView): readonly string[] | undefined {
  if (kind === "restart" || kind === "diagnostics") return undefined;
  const serves = SERVES[kind];
  return node.presence.devices
    .filter(({ driver }) => serves === undefined || (driver !== undefined && serves.test(driver)))
    .map(({ device }) => device);
}

interface Props {
  readonly kind: OrderKind;
  readonly node: NodeView;
  readonly onClose: () => void;
  readonly onOrdered: (order: CommandView) => void;
}

/** One order: what it does in words, its fields, and a word of one's own before something grave. */
export function CommandForm({ kind, node, onClose, onOrdered }: Props) {
  const devices = devicesFor(kind, node);
  const [key] = useState(newIdempotencyKey);
  const [isSure, setSure] = useState(false);
  const [given, setGiven] = useState<Readonly<Record<string, string>>>({
    device: devices?.[0] ?? "",
    level: "debug",
    on: "true",
    seconds: "20",
  });
  const set = (name: string) => (value: string) => setGiven({ ...given, [name]: value });
  const field = (name: string): string => given[name] ?? "";
  const number = (name: "to" | "code" | "seconds" | "forS", maxLength: number, pattern: string) => ({
    ...{ label: n(name), value: field(name), onInput: set(name), maxLength, pattern },
    inputMode: "numeric" as const,
  });
  const isGrave = GRAVE.includes(kind);
  const order = async (): Promise<void> => {
    const path = `/nodes/${encodeURIComponent(node.id)}/commands`;
    onOrdered(
      await call<CommandView>("POST", path, { body: { kind, args: argsOf(kind, given) }, idempotencyKey: key }),
    );
  };
  return (
    <Dialog
      title={`${n(`kind.${kind}`)} · ${node.id}`}
      doIt={n("order")}
      isGrave={isGrave}
      onDo={order}
      onClose={onClose}
    >
      <p>{n(`what.${kind}`)}</p>
      {node.presence.transport !== "connected" && <p class="hint">{n("away")}</p>}
      {devices !== undefined && (
        <SelectField
          label={n("device")}
          value={field("device")}
          options={devices.map((device) => ({ value: device, text: device }))}
          onChange={set("device")}
        />
      )}
      {(kind === "text" || kind === "status") && <TextField {...number("to", 16, "[0-9]{1,16}")} isFirst />}
      {kind === "text" && <TextArea label={n("text")} value={field("text")} onInput={set("text")} maxLength={2000} />}
      {kind === "status" && <TextField {...number("code", 5, "[0-9]{1,5}")} />}
      {kind === "clip" && <TextField {...number("seconds", 3, "[1-9][0-9]{0,2}")} />}
      {kind === "log-level" && (
        <Choice
          label={n("level")}
          name="level"
          value={field("level")}
          options={LEVELS.map((level) => ({ value: level, text: level }))}
          onChange={set("level")}
        />
      )}
      {kind === "relay" && (
        <>
          <TextField
            label={n("output")}
            value={field("output")}
            onInput={set("output")}
            maxLength={32}
            pattern="[a-z0-9][a-z0-9\-]{0,31}"
            isFirst
          />
          <Choice
            label={n("on")}
            name="on"
            value={field("on")}
            options={(["true", "false"] as const).map((on) => ({ value: on, text: n(`on.${on}`) }))}
            onChange={set("on")}
          />
          <TextField {...number("forS", 5, "[1-9][0-9]{0,4}")} isOptional />
        </>
      )}
      {isGrave && (
        <label class="sure">
          <input type="checkbox" required checked={isSure} onChange={(event) => setSure(event.currentTarget.checked)} />{" "}
          {n("sure")}
        </label>
      )}
    </Dialog>
  );
}

function argsOf(kind: OrderKind, given: Readonly<Record<string, string>>): object {
  const { device, to, text, code, output, on, forS, level, seconds } = given;
  switch (kind) {
    case "restart":
    case "diagnostics":
      return {};
    case "snapshot":
      return { device };
    case "clip":
      return { device, seconds: Number(seconds) };
    case "text":
      return { device, to, text };
    case "status":
      return { device, to, code: Number(code) };
    case "log-level":
      return { device, level };
    case "relay":
      return { device, output, on: on === "true", ...(forS ? { forS: Number(forS) } : {}) };
  }
}
