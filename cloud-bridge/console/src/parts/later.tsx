import { useSignal } from "@preact/signals";
import type { ComponentType } from "preact";
import { useEffect } from "preact/hooks";
import { t } from "../text/locale.ts";
import { ProblemNote } from "./problem.tsx";

const RETRY_MS = 3000;

/** A page that is fetched when somebody first goes there, so that the first screen does not wait for it. */
export function later<P extends object>(load: () => Promise<ComponentType<P>>): ComponentType<P> {
  let loaded: ComponentType<P> | undefined;
  return function Later(props: P) {
    const page = useSignal(loaded);
    const error = useSignal<unknown>(undefined);
    useEffect(() => {
      if (page.value !== undefined) return;
      let isGone = false;
      let retry: ReturnType<typeof setTimeout> | undefined;
      const fetchPage = () =>
        load().then(
          (found) => {
            loaded = found;
            if (!isGone) page.value = found;
          },
          (reason: unknown) => {
            if (isGone) return;
            error.value = reason;
            retry = setTimeout(() => void fetchPage(), RETRY_MS);
          },
        );
      void fetchPage();
      return () => {
        isGone = true;
        clearTimeout(retry);
      };
    }, []);
    const Page = page.value;
    if (Page !== undefined) return <Page {...props} />;
    return error.value === undefined ? <p class="quiet">{t("shell.opening")}</p> : <ProblemNote error={error.value} />;
  };
}
