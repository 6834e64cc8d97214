import type { Locator } from "playwright-core";
import type { Person } from "./console-rig.ts";

/** What a test finds on the desk of somebody. */
export const rowOf = ({ page }: Person, name: string): Locator => page.locator(".case-row", { hasText: name });
export const dialogOf = ({ page }: Person): Locator => page.locator("dialog");

/** Waits until the case that is open there has this state. */
export const stateOf = ({ page }: Person, state: string): Promise<void> =>
  page.locator(`[data-case-state=${state}]`).waitFor();
