import { useEffect } from "preact/hooks";
import { navigate } from "../router.ts";
import { selectedCase } from "../state/desk.ts";
import { chooseOrder, firstUnseen, neighbour, order, SHOWS, show } from "../state/desk-list.ts";
import { lookAtAll } from "../state/looked-at.ts";
import { askByKey } from "./case-acts.tsx";

export interface DeskKeys {
  readonly onReport: () => void;
  readonly onHelp: () => void;
}

/** The desk by keyboard; never while somebody types. What each key does stands in the help. */
export function useDeskKeys(caseId: string | undefined, { onReport, onHelp }: DeskKeys): void {
  useEffect(() => {
    const goTo = (view: { readonly id: string } | undefined): boolean => {
      if (view) navigate(`/desk/${encodeURIComponent(view.id)}`);
      return view !== undefined;
    };
    const press = (key: string): boolean => {
      const tab = SHOWS[Number(key) - 1];
      if (tab !== undefined) {
        show.value = tab;
        return true;
      }
      switch (key) {
        case "j":
          return goTo(neighbour(caseId, 1));
        case "k":
          return goTo(neighbour(caseId, -1));
        case "u":
          return goTo(firstUnseen());
        case "x":
          navigate("/desk");
          return true;
        case "t":
          chooseOrder(order.value === "time" ? "newest" : "time");
          return true;
        case "m":
          lookAtAll();
          return true;
        case "/":
          return focus("[data-search]");
        case "a":
          return focus("[data-assign]");
        case "v":
          return click("[data-live]");
        case "r":
          onReport();
          return true;
        case "?":
          onHelp();
          return true;
        default:
          return selectedCase.value !== undefined && askByKey(selectedCase.value.case, key);
      }
    };
    const onKey = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      if (press(event.key)) event.preventDefault();
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, [caseId]);
}

function focus(selector: string): boolean {
  const element = document.querySelector<HTMLElement>(selector);
  element?.focus();
  return element !== null;
}

function click(selector: string): boolean {
  const element = document.querySelector<HTMLElement>(selector);
  element?.click();
  return element !== null;
}

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof Element && target.closest("input, textarea, select, dialog") !== null;
