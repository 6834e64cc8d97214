import { DRIVERS } from "../../../drivers/registry.ts";
import type { ConfigTwinOptions } from "../../../gateway/config/config-twin.ts";
import { checkGatewayConfig } from "../../../gateway/config/load-gateway-config.ts";
import type { TwinMemory, TwinState } from "../../../gateway/config/twin-files.ts";
import type { NodeIdentity } from "../../../gateway/identity/identity-files.ts";

/** The memory of a config twin without a disk, for as long as the process lives. */
export class TwinInMemory implements TwinMemory {
  readonly #documents = new Map<string, string>();
  #state: TwinState | undefined;

  readState(): TwinState | undefined {
    return this.#state;
  }

  writeState(state: TwinState): void {
    this.#state = state;
    const named = new Set([state.inForce?.sha256, state.trial?.sha256]);
    for (const sha256 of this.#documents.keys()) if (!named.has(sha256)) this.#documents.delete(sha256);
  }

  readDocument(sha256: string): string | undefined {
    return this.#documents.get(sha256);
  }

  writeDocument(sha256: string, text: string): void {
    this.#documents.set(sha256, text);
  }
}

/** What the installer of a simulated box wrote: a whole config, held against the schema as `shao check` does. */
export async function fleetSite({ node, mqttUrl }: NodeIdentity, number: number): Promise<ConfigTwinOptions["site"]> {
  const latitudeDeg = 39.7 + (number % 40) * 0.01;
  const longitudeDeg = 116.1 + Math.floor(number / 40) * 0.02;
  const text = `# By the installer.
node: ${node}
site: { name: Fleet site ${number}, timeZone: Asia/Shanghai, latitudeDeg: ${latitudeDeg.toFixed(2)}, longitudeDeg: ${longitudeDeg.toFixed(2)} }
bridge: { url: "${mqttUrl}" }
state: ./state/${node}
buses: { line: { tcp: "127.0.0.1:502", framing: tcp } }
devices:
  noise-01: { driver: modbus-noise, bus: line, unit: 1, quantity: LAF }
  gps: { driver: gps-nmea, tcp: "127.0.0.1:2947" }
rules:
  night: { kind: trigger, device: noise-01, limitDb: ${70 + (number % 3)} }
`;
  const checked = await checkGatewayConfig(Buffer.from(text), DRIVERS);
  if (checked.ok) return checked;
  throw new Error(`${node}: ${checked.faults.map(({ message }) => message).join("; ")}`);
}
