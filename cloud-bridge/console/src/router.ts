import { signal } from "@preact/signals";

export const path = signal(location.pathname);
/** What a page chose by: `?q=…`. It lives in the address, so that a view can be sent to somebody. */
export const search = signal(location.search);

/** Token of a one-time link: it stays behind `#`, which no server and no log ever sees. */
export const fragment = signal(location.hash.slice(1));

const read = (): void => {
  path.value = location.pathname;
  search.value = location.search;
  fragment.value = location.hash.slice(1);
};

export function navigate(to: string, how: "push" | "replace" = "push"): void {
  if (to !== location.pathname + location.search + location.hash) {
    if (how === "push") history.pushState(null, "", to);
    else history.replaceState(null, "", to);
  }
  read();
}

/** Parts of a path under a page: `/nodes/site-1` is `["nodes", "site-1"]`. */
export const pathParts = (value: string): string[] =>
  value
    .split("/")
    .filter((part) => part !== "")
    .map(decodeURIComponent);

addEventListener("popstate", read);
addEventListener("hashchange", read);
document.addEventListener("click", (event) => {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey)
    return;
  const link = event.target instanceof Element ? event.target.closest("a") : null;
  if (link?.target !== "" || link.origin !== location.origin || link.hasAttribute("download")) return;
  if (link.hash !== "" && link.pathname === location.pathname) return;
  event.preventDefault();
  navigate(link.pathname + link.search);
});
