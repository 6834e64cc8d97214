import { effect, signal } from "@preact/signals";

export type Theme = "system" | "light" | "dark";
const STORED = "shao.theme";
const prefersDark = matchMedia("(prefers-color-scheme: dark)");

const stored = localStorage.getItem(STORED);
export const theme = signal<Theme>(stored === "light" || stored === "dark" ? stored : "system");
/** What is shown now; a drawing on a canvas depends on it. */
export const shownTheme = signal<"light" | "dark">("light");

export function chooseTheme(next: Theme): void {
  if (next === "system") localStorage.removeItem(STORED);
  else localStorage.setItem(STORED, next);
  theme.value = next;
}

function show(): void {
  const chosen = theme.value;
  const shown = chosen === "system" ? (prefersDark.matches ? "dark" : "light") : chosen;
  document.documentElement.dataset["theme"] = shown;
  shownTheme.value = shown;
}

prefersDark.addEventListener("change", show);
effect(show);
