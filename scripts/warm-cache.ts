import module from "node:module";
import { DRIVERS } from "../drivers/registry.ts";

/** `shao warm-cache`: loads what the halves load, so that a start finds it compiled. Starts neither. */
await Promise.all([
  import("../cli/gateway.ts"),
  import("../cli/bridge.ts"),
  import("../cli/check.ts"),
  import("../cli/enroll.ts"),
  import("../cli/probe.ts"),
  import("../gateway/commands/commands.ts"),
  import("../gateway/journal/journal-store.ts"),
  import("../gateway/uplink/uplink.ts"),
  import("../cloud-bridge/main.ts"),
  ...DRIVERS.map((entry) => entry.load()),
]);
module.flushCompileCache();
