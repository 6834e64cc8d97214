import type { Subject } from "../../protocol/ids.ts";

const TSI_DIGITS = 16;

/** The short number of a handset or group: of a full TSI (country, network, number) the last part. */
export function shortNumber(identity: string): string {
  const own = identity.length >= TSI_DIGITS - 1 ? identity.slice(-8) : identity;
  return own.replace(/^0+(?=[0-9])/, "");
}

export function handset(identity: string | undefined): Subject | undefined {
  return identity === undefined || identity === "" ? undefined : { type: "issi", id: shortNumber(identity) };
}
