import type { NodeView } from "../../../api/schema/fleet.ts";
import { nowMs } from "../clock.ts";
import { formatAge } from "../text/format.ts";
import { locale, t } from "../text/locale.ts";
import { isTextKey } from "../text/translate.ts";
import { Icon } from "./icon.tsx";

/** The bridge's own verdicts on a node, each with what to do about it: the device's own hint where it gave one. */
export function Faults({ node }: { readonly node: NodeView }) {
  if (node.faults.length === 0) return null;
  return (
    <ul class="faults">
      {node.faults.map(({ rule, device, sinceMs, detail }) => {
        const nameKey = `fault.${rule}`;
        const hintKey = `fault.${rule}.hint`;
        const told = node.presence.devices.find((entry) => entry.device === device);
        const hint = told?.hint ?? (isTextKey(hintKey) ? t(hintKey) : undefined);
        return (
          <li key={`${rule} ${device ?? ""}`}>
            <Icon name="open" size={14} />
            <div>
              <strong>
                {isTextKey(nameKey) ? t(nameKey) : rule}
                {device !== undefined && ` · ${device}`}
              </strong>
              <span class="quiet"> {t("faults.since", { time: formatAge(locale.value, nowMs.value - sinceMs) })}</span>
              {told?.message !== undefined && <p>{told.message}</p>}
              {detail !== undefined && <p class="fault-detail">{detail}</p>}
              {hint !== undefined && <p class="hint">{hint}</p>}
            </div>
          </li>
        );
      })}
    </ul>
  );
}
