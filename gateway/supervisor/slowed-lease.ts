import type { BusLease } from "../../drivers/driver.ts";

/** A lease whose poll clock serves every n-th slot only; `slowBy` is asked at each slot, so that it may change. */
export function slowedLease(lease: BusLease, slowBy: () => number): BusLease {
  return {
    modbus: (request, priority) => lease.modbus(request, priority),
    async *every(periodMs, signal) {
      let passed = 0;
      for await (const slot of lease.every(periodMs, signal)) {
        passed += 1;
        if (passed < slowBy()) continue;
        passed = 0;
        yield slot;
      }
    },
    [Symbol.asyncDispose]: () => lease[Symbol.asyncDispose](),
  };
}
