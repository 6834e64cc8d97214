import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { CaseView } from "../../../api/schema/desk.ts";
import { type Asked, asked } from "../state/asked.ts";
import { actOnCase, isEnded } from "../state/desk.ts";
import { may } from "../state/session.ts";
import { t } from "../text/locale.ts";
import { Icon, type IconName } from "./icon.tsx";
import { later } from "./later.tsx";
import { ProblemNote } from "./problem.tsx";

const ActForm = later(async () => (await import("./act-forms.tsx")).ActForm);

const LOOK: Readonly<Record<Asked, { readonly icon: IconName; readonly key?: string }>> = {
  note: { icon: "note", key: "n" },
  locate: { icon: "place", key: "l" },
  withdraw: { icon: "back", key: "w" },
  suspend: { icon: "suspended", key: "s" },
  outcome: { icon: "resolved", key: "o" },
  "close-event": { icon: "closed", key: "c" },
  "false-alarm": { icon: "false-alarm", key: "f" },
  "close-unverified": { icon: "closed-unverified", key: "c" },
  reopen: { icon: "open" },
  whistle: { icon: "sound", key: "b" },
  merge: { icon: "merged" },
  "open-child": { icon: "plus" },
  categorise: { icon: "queue" },
  transfer: { icon: "en-route" },
};
const GRAVE: ReadonlySet<Asked> = new Set(["false-alarm", "close-unverified"]);

const hasLeg = ({ assignment }: CaseView): boolean =>
  assignment !== undefined && ["assigned", "acknowledged", "en-route", "on-scene"].includes(assignment.state);

/** Those that are at hand, and those behind “more”. */
function offered(view: CaseView): { readonly first: readonly Asked[]; readonly more: readonly Asked[] } {
  if (isEnded(view)) return { first: ["note", "outcome", "reopen"], more: [] };
  const first: Asked[] = view.toLocate === true ? ["locate", "note"] : ["note"];
  if (hasLeg(view)) first.push("withdraw");
  if (view.state !== "suspended") first.push("suspend");
  first.push("whistle", "outcome");
  if (view.nature === "event") first.push("close-event");
  first.push("false-alarm");
  const more: Asked[] = ["categorise", "transfer", "merge", "open-child"];
  if (view.toLocate !== true) more.push("locate");
  more.push("close-unverified");
  return { first, more };
}

/** Asks for the act of a key, where it is offered now. */
export function askByKey(view: CaseView, key: string): boolean {
  const { first, more } = offered(view);
  const act = [...first, ...more].find((one) => LOOK[one].key === key);
  if (act === undefined || !may("actOnCases")) return false;
  asked.value = act;
  return true;
}

/** What a dispatcher may do besides sending a crew. Every one names a cause, which stands in the timeline for ever. */
export function CaseActs({ view }: { readonly view: CaseView }) {
  if (!may("actOnCases")) return null;
  const { first, more } = offered(view);
  const now = asked.value;
  return (
    <div class="acts">
      {view.state === "suspended" && <ResumeButton view={view} />}
      {first.map((act) => (
        <ActButton key={act} act={act} isMain={act === "locate"} />
      ))}
      {more.length > 0 && <More acts={more} taken={first.map((act) => LOOK[act].key)} />}
      {now !== undefined && (
        <ActForm
          key={`${view.id} ${now}`}
          view={view}
          act={now}
          onClose={() => {
            if (asked.value === now) asked.value = undefined;
          }}
        />
      )}
    </div>
  );
}

interface MoreProps {
  readonly acts: readonly Asked[];
  /** Keys of what stands beside it. */
  readonly taken: readonly (string | undefined)[];
}

/** Opens like a menu, and like a menu closes when somebody goes elsewhere. */
function More({ acts, taken }: MoreProps) {
  const menu = useRef<HTMLDetailsElement>(null);
  const close = (): void => menu.current?.removeAttribute("open");
  useEffect(() => {
    const elsewhere = ({ target }: Event): void => {
      if (target instanceof Node && !menu.current?.contains(target)) close();
    };
    addEventListener("pointerdown", elsewhere);
    addEventListener("focusin", elsewhere);
    return () => {
      removeEventListener("pointerdown", elsewhere);
      removeEventListener("focusin", elsewhere);
    };
  }, []);
  const back = (): void => {
    close();
    menu.current?.querySelector("summary")?.focus();
  };
  return (
    <details
      class="menu"
      ref={menu}
      onKeyDown={(event) => {
        if (event.key === "Escape") back();
      }}
      data-more
    >
      <summary class="button">
        <Icon name="more" size={14} /> {t("act.more")}
      </summary>
      <div class="menu-items">
        {acts.map((act) => (
          <ActButton key={act} act={act} isKeyless={taken.includes(LOOK[act].key)} onChoose={back} />
        ))}
      </div>
    </details>
  );
}

interface ActButtonProps {
  readonly act: Asked;
  readonly isMain?: boolean;
  /** Its key does something else now. */
  readonly isKeyless?: boolean;
  /** Before its form opens: the form gives the focus back to where it was. */
  readonly onChoose?: () => void;
}

function ActButton({ act, isMain = false, isKeyless = false, onChoose }: ActButtonProps) {
  const { icon } = LOOK[act];
  const key = isKeyless ? undefined : LOOK[act].key;
  return (
    <button
      type="button"
      class={`button${GRAVE.has(act) ? " is-quiet-grave" : ""}${isMain ? " is-main" : ""}`}
      onClick={() => {
        onChoose?.();
        asked.value = act;
      }}
      data-act={act}
      {...(key === undefined ? {} : { "aria-keyshortcuts": key })}
    >
      <Icon name={icon} size={14} />
      {t(`act.${act}`)}
      {key !== undefined && <kbd>{key}</kbd>}
    </button>
  );
}

function ResumeButton({ view }: { readonly view: CaseView }) {
  const resume = (): void => {
    resumeProblem.value = undefined;
    actOnCase(view.id, { act: "resume" }).catch((cause: unknown) => {
      resumeProblem.value = cause;
    });
  };
  return (
    <>
      <button type="button" class="button is-main" onClick={resume} data-act="resume">
        {t("act.resume")}
      </button>
      <ProblemNote error={resumeProblem.value} />
    </>
  );
}
const resumeProblem = signal<unknown>(undefined);
