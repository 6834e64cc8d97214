import "../styles/desk-forms.css";
import { helpText as h } from "../text/packs/help.ts";
import { Dialog } from "./dialog.tsx";

const KEYS = [
  ["cases", ["j / k", "walk"], ["u", "unseen"], ["/", "search"], ["1 … 5", "tabs"], ["t", "order"], ["m", "seen"]],
  [
    "case",
    ["a", "assign"],
    ["n", "note"],
    ["w", "withdraw"],
    ["s", "suspend"],
    ["b", "whistle"],
    ["o", "outcome"],
    ["c", "close"],
    ["f", "false-alarm"],
    ["l", "locate"],
    ["v", "live"],
    ["x", "back"],
  ],
  ["else", ["r", "report"], ["?", "help"], ["Ctrl Enter", "do"], ["Esc", "esc"], ["← ↑ → ↓", "plan"]],
] as const;

export function Help({ onClose }: { readonly onClose: () => void }) {
  return (
    <Dialog title={h("title")} isWide onClose={onClose}>
      <div class="help" data-help>
        {KEYS.map(([part, ...keys]) => (
          <section key={part}>
            <h3>{h(part)}</h3>
            <dl>
              {keys.map(([key, what]) => (
                <div key={key}>
                  <dt>
                    <kbd>{key}</kbd>
                  </dt>
                  <dd>{h(what)}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  );
}
