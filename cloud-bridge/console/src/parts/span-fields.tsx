import { nowMs } from "../clock.ts";
import { ruleText as r } from "../text/packs/rules.ts";
import { TimeField, TwoFields } from "./fields.tsx";
import { zonedInput, zonedMs } from "./local-time.ts";

export interface Span {
  readonly from: string;
  readonly to: string;
}

/** @throws Error in the reader's words where it ends before it begins */
export function spanMs({ from, to }: Span, timeZone: string | undefined): { fromMs: number; toMs: number } {
  const [fromMs, toMs] = [zonedMs(from, timeZone), zonedMs(to, timeZone)];
  if (!(fromMs < toMs)) throw new Error(r("order-wrong"));
  return { fromMs, toMs };
}

/** From now on for so long, as a form begins. */
export function spanOf(lengthMs: number): Span {
  return { from: zonedInput(nowMs.value, undefined), to: zonedInput(nowMs.value + lengthMs, undefined) };
}

/** Where now lies. */
export function spanState({ fromMs, toMs }: { readonly fromMs: number; readonly toMs: number }) {
  if (nowMs.value < fromMs) return "coming";
  return nowMs.value < toMs ? "holds" : "over";
}

interface SpanFieldsProps {
  readonly span: Span;
  readonly timeZone: string | undefined;
  readonly onSpan: (span: Span) => void;
}

/** From and to by the clock of the site, which is named. */
export function SpanFields({ span, timeZone, onSpan }: SpanFieldsProps) {
  const hint = timeZone ?? r("zone.none");
  return (
    <TwoFields>
      <TimeField
        label={r("from")}
        type="datetime-local"
        value={span.from}
        onInput={(from) => onSpan({ ...span, from })}
        hint={hint}
      />
      <TimeField
        label={r("to")}
        type="datetime-local"
        value={span.to}
        onInput={(to) => onSpan({ ...span, to })}
        hint={hint}
      />
    </TwoFields>
  );
}
