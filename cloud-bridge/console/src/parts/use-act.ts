import { useState } from "preact/hooks";
import type { CaseAct, CaseView } from "../../../api/schema/desk.ts";
import { newIdempotencyKey } from "../api/client.ts";
import { actOnCase } from "../state/desk.ts";

export interface FormProps {
  readonly view: CaseView;
  readonly onClose: () => void;
}

/** One act of one form: the same key through every repeat of the press. */
export function useAct(view: CaseView): (act: CaseAct) => Promise<void> {
  const [key] = useState(newIdempotencyKey);
  return (act) => actOnCase(view.id, act, key);
}
