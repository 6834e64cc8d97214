import { existsSync } from "node:fs";
import process from "node:process";
import { test } from "vitest";
import { CHROMIUM } from "./console-rig.ts";

export const hasBrowser = existsSync(CHROMIUM);
if (!hasBrowser) {
  const reason = `${CHROMIUM} is missing, no page is looked at: scripts/setup --test installs it`;
  if (process.env["CI"] !== undefined) throw new Error(reason);
  console.warn(reason);
}

/** A test that needs Chromium: skipped with a warning where there is none, and a failure in CI. */
export const browserTest = test.skipIf(!hasBrowser);
