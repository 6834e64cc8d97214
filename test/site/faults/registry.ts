import { cardBackFault, clonedCardFault, oldBackupFault } from "./back-in-time.ts";
import { brokerKilledFault, brokerStoppedFault } from "./broker.ts";
import { clock1970Fault, clockBackFault } from "./clock.ts";
import { powerCutFault } from "./cut.ts";
import { corruptDatabaseFault, flippedDatabaseFault, flippedWalFault, tornWalFault } from "./damage.ts";
import { fullDiskFault, readOnlyDiskFault, slowDiskFault } from "./disk.ts";
import type { Fault } from "./fault.ts";
import { killFault } from "./kill.ts";
import { badLineFault, dnsGoneFault, halfOpenFault, linkCutFault } from "./link.ts";
import { newerGatewayFault } from "./newer-gateway.ts";
import { slowBridgeFault, stopFault } from "./pause.ts";

/** Every fault that a run can be made of, by name. */
export const FAULTS: readonly Fault[] = [
  killFault(),
  powerCutFault,
  stopFault,
  slowBridgeFault,
  linkCutFault,
  halfOpenFault,
  dnsGoneFault,
  badLineFault,
  brokerKilledFault,
  brokerStoppedFault,
  newerGatewayFault,
  tornWalFault,
  flippedWalFault,
  flippedDatabaseFault,
  corruptDatabaseFault,
  fullDiskFault,
  readOnlyDiskFault,
  slowDiskFault,
  clock1970Fault,
  clockBackFault,
  oldBackupFault,
  clonedCardFault,
  cardBackFault,
];

/** @throws RangeError for a name that is none */
export function faultNamed(name: string): Fault {
  const found = FAULTS.find((fault) => fault.name === name);
  if (found === undefined) {
    throw new RangeError(`no fault ${name}; there are ${FAULTS.map((fault) => fault.name).join(", ")}`);
  }
  return found;
}
