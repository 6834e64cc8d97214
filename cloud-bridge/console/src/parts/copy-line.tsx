import { useState } from "preact/hooks";
import { t } from "../text/locale.ts";
import { Icon } from "./icon.tsx";

export function CopyLine({ text }: { readonly text: string }) {
  const [isCopied, setCopied] = useState(false);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      setCopied(true);
    } catch {
      // Without the clipboard's leave the line can still be selected by hand.
    }
  };
  return (
    <div class="copy-line">
      <code>{text}</code>
      <button type="button" class="button is-small" onClick={() => void copy()}>
        <Icon name={isCopied ? "connected" : "copy"} size={14} />
        {t(isCopied ? "copy.done" : "copy.copy")}
      </button>
    </div>
  );
}
