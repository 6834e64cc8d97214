import type { Problem } from "../../../api/schema/common.ts";
import { ProblemError } from "../api/client.ts";
import { t } from "../text/locale.ts";
import { isTextKey } from "../text/translate.ts";
import { Icon } from "./icon.tsx";

export interface ProblemWords {
  readonly title: string;
  readonly hint?: string;
}

/** In the reader's language where the code is known; else as the bridge said it. */
export function problemWords(problem: Problem): ProblemWords {
  const titleKey = `problem.${problem.code}.title`;
  const hintKey = `problem.${problem.code}.hint`;
  const title = isTextKey(titleKey) ? t(titleKey) : (problem.detail ?? problem.title);
  const hint = isTextKey(hintKey) ? t(hintKey) : problem.hint;
  return hint === undefined ? { title } : { title, hint };
}

export const problemOf = (error: unknown): Problem =>
  error instanceof ProblemError
    ? error.problem
    : {
        type: "about:blank",
        title: error instanceof Error ? error.message : String(error),
        status: 0,
        code: "CONSOLE",
      };

export function ProblemNote({ error }: { readonly error: unknown }) {
  if (error === undefined || error === null) return null;
  const problem = problemOf(error);
  const { title, hint } = problemWords(problem);
  return (
    <div class="problem" role="alert">
      <Icon name="open" />
      <div>
        <strong>{title}</strong>
        {hint !== undefined && <p>{hint}</p>}
        <code>{problem.code}</code>
      </div>
    </div>
  );
}
