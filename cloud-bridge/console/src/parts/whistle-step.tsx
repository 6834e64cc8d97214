import { useState } from "preact/hooks";
import type { WhistleAct, WhistleLegAct } from "../../../api/schema/whistles.ts";
import { call, newIdempotencyKey } from "../api/client.ts";
import { refreshSelected } from "../state/desk.ts";
import { units } from "../state/registers.ts";
import { whistleText as w } from "../text/packs/whistles.ts";
import { Dialog } from "./dialog.tsx";
import { Choice, given, SelectField, TextArea } from "./fields.tsx";

type WhistleStep = "approve" | "reject" | "call" | "lead" | "withdraw" | "archive";
type LegStep = "receive" | "on-scene" | "handled" | "return" | "rate-unit" | "rate-caller";

export interface Step {
  readonly what: WhistleStep | LegStep;
  readonly whistleId?: string;
  readonly legId?: string;
  /** Units that have a part already. */
  readonly called: readonly string[];
}

interface Said {
  readonly words: string;
  readonly unitId: string;
  readonly rating: number;
}

const MARKS = ["1", "2", "3", "4", "5"];

/** One step of a whistle or of a department's part. */
export function StepForm({ step, onClose }: { readonly step: Step; readonly onClose: () => void }) {
  const [words, setWords] = useState("");
  const [unitId, setUnitId] = useState("");
  const [rating, setRating] = useState("");
  const [key] = useState(newIdempotencyKey);
  const { what, whistleId, legId, called } = step;
  const send = async (): Promise<void> => {
    const said: Said = { words, unitId, rating: Number(rating) };
    const path =
      legId === undefined
        ? `/whistles/${encodeURIComponent(whistleId ?? "")}/acts`
        : `/whistle-legs/${encodeURIComponent(legId)}/acts`;
    await call("POST", path, { body: bodyOf(what, said), idempotencyKey: key });
    await refreshSelected();
  };
  const label = labelOfWords(what);
  const isRating = what === "rate-unit" || what === "rate-caller";
  const isUnit = what === "call" || what === "lead";
  const choices = units.value.filter(({ id }) => (what === "lead" ? called.includes(id) : !called.includes(id)));
  return (
    <Dialog title={w(`act.${what}`)} doIt={w(`act.${what}`)} isGrave={what === "reject"} onDo={send} onClose={onClose}>
      {isUnit && (
        <SelectField
          label={w("unit")}
          value={unitId}
          options={choices.map(({ id, name }) => ({ value: id, text: name }))}
          onChange={setUnitId}
          none=""
        />
      )}
      {isRating && (
        <Choice
          label={w("rating")}
          name="rating"
          value={rating}
          options={MARKS.map((n) => ({ value: n, text: n }))}
          onChange={setRating}
          isFirst
        />
      )}
      {label !== undefined && (
        <TextArea
          label={w(label)}
          value={words}
          onInput={setWords}
          maxLength={2000}
          isFirst={!isRating}
          isOptional={label === "words" || what === "approve"}
        />
      )}
    </Dialog>
  );
}

function labelOfWords(what: Step["what"]): "opinion" | "cause" | "result" | "words" | undefined {
  switch (what) {
    case "approve":
    case "reject":
      return "opinion";
    case "withdraw":
    case "return":
      return "cause";
    case "handled":
      return "result";
    case "rate-unit":
    case "rate-caller":
      return "words";
    default:
      return undefined;
  }
}

function bodyOf(what: Step["what"], { words, unitId, rating }: Said): WhistleAct | WhistleLegAct {
  switch (what) {
    case "approve":
    case "reject":
      return { act: "review", isApproved: what === "approve", ...given("opinion", words) };
    case "call":
    case "lead":
      return { act: what, unitId };
    case "withdraw":
    case "return":
      return { act: what, cause: words };
    case "handled":
      return { act: what, result: words };
    case "rate-unit":
    case "rate-caller":
      return { act: "rate", of: what === "rate-unit" ? "unit" : "caller", rating, ...given("text", words) };
    default:
      return { act: what };
  }
}
