import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { t } from "../text/locale.ts";
import { ProblemNote } from "./problem.tsx";

export interface DialogProps {
  readonly title: string;
  readonly children: ComponentChildren;
  /** The word on the button that does it; without it the dialog only tells. */
  readonly doIt?: string;
  readonly isGrave?: boolean;
  readonly isWide?: boolean;
  /** The caller shows what came of it in place of this dialog. */
  readonly staysOpen?: boolean;
  readonly onDo?: () => Promise<void>;
  readonly onClose: () => void;
}

/** The browser's own modal dialog: it keeps the focus inside and gives it back. */
export function Dialog({
  title,
  children,
  doIt,
  isGrave = false,
  isWide = false,
  staysOpen = false,
  onDo,
  onClose,
}: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [error, setError] = useState<unknown>();
  const [isBusy, setBusy] = useState(false);
  const titleId = useId();
  useEffect(() => {
    dialog.current?.showModal();
  }, []);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (!onDo || isBusy) return;
    setBusy(true);
    setError(undefined);
    try {
      await onDo();
      if (!staysOpen) dialog.current?.close();
    } catch (cause) {
      setError(cause);
    } finally {
      setBusy(false);
    }
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    dialog.current?.querySelector("form")?.requestSubmit();
  };
  return (
    <dialog ref={dialog} class={`dialog${isWide ? " is-wide" : ""}`} aria-labelledby={titleId} onClose={onClose}>
      <form onKeyDown={onKeyDown} onSubmit={(event) => void submit(event)}>
        <h2 id={titleId}>{title}</h2>
        {children}
        <ProblemNote error={error} />
        <div class="dialog-acts">
          <button type="button" class="button" onClick={() => dialog.current?.close()}>
            {doIt === undefined ? t("dialog.close") : t("dialog.cancel")}
          </button>
          {doIt !== undefined && (
            <button type="submit" class={`button ${isGrave ? "is-grave" : "is-main"}`} disabled={isBusy}>
              {doIt}
            </button>
          )}
        </div>
      </form>
    </dialog>
  );
}
