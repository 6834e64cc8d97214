import { gunzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { DRIVERS } from "../../../drivers/registry.ts";
import { checkGatewayConfig } from "../../../gateway/config/load-gateway-config.ts";
import { diagnosticsBundle } from "../../../gateway/diagnostics/diagnostics-bundle.ts";
import { LogMemory } from "../../../gateway/diagnostics/log-memory.ts";
import { whyEnded } from "../../../gateway/vision/capture/capture-run.ts";
import { QuietLog } from "../../fakes/quiet-log.ts";

const XIONGMAI = "rtsp://10.0.0.9:554/user=admin_password=hunter2_channel=1_stream=0.sdp?real_stream";
const FOSCAM = "http://10.0.0.9:88/CGIStream.cgi?cmd=GetMJStream&usr=admin&pwd=hunter2";

test("a camera that wants its account within its address is taken, and its diagnostics show where it is, but not how to get in", async () => {
  const text = `
node: n1
bridge: { url: "mqtts://bridge.example" }
state: ./state
cameras:
  gate: { url: "${XIONGMAI}" }
  yard: { url: "${FOSCAM}" }
`;
  const checked = await checkGatewayConfig(Buffer.from(text), DRIVERS);
  if (!checked.ok) throw new Error(JSON.stringify(checked.faults));
  expect(checked.config.cameras.map(({ url }) => url)).toEqual([XIONGMAI, FOSCAM]);
  const memory = new LogMemory({ nowMs: () => 0, upMs: () => 0 });
  const ends = [XIONGMAI, FOSCAM].map((url) =>
    whyEnded(`[in#0 @ 0x5] Error opening input ${url}: timed out\n`, 1, false),
  );
  for (const end of ends) memory.before(new QuietLog()).warn({ ...end }, "camera lost");
  const { config } = checked;
  const bundle = await diagnosticsBundle({
    ...{ node: "n1", version: "test", atMs: 0, config, health: {}, devices: ends, metrics: "", log: memory.since(0) },
  });
  const shown = gunzipSync(bundle).toString();
  expect(shown).toContain("rtsp://10.0.0.9:554/user=***_password=***_channel=1_stream=0.sdp");
  expect(shown).toContain("cmd=GetMJStream&usr=***&pwd=***");
  expect(shown).not.toMatch(/hunter2|admin/u);
  expect(JSON.stringify(ends)).not.toMatch(/hunter2|admin/u);
});
