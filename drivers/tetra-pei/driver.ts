import type { ByteLink, Driver, DriverContext } from "../driver.ts";
import { parseTcpAddress } from "../net/tcp-address.ts";
import { serveRadio } from "../radio.ts";
import { type TetraPeiConfig, tetraPeiConfig } from "./config.ts";
import { TetraRadio } from "./tetra-radio.ts";

export const tetraPei: Driver<typeof tetraPeiConfig> = {
  kind: "tetra-pei",
  config: tetraPeiConfig,

  check({ serial, tcp }) {
    if ((serial === undefined) !== (tcp === undefined)) return [];
    return [
      {
        pointer: "",
        message: serial === undefined ? "neither serial nor tcp is given" : "both serial and tcp are given",
        hint: "Give the radio's port as serial: /dev/serial/by-id/…, or its serial server as tcp: host:port.",
      },
    ];
  },

  async run(config, context) {
    await using link = await open(config, context);
    await serveRadio(new TetraRadio(link, config, context), config, context);
  },
};

function open({ serial, tcp, baudRate }: TetraPeiConfig, context: DriverContext): Promise<ByteLink> {
  if (serial !== undefined) return context.openSerial(serial, { baudRate });
  return context.openTcp(parseTcpAddress(tcp ?? ""));
}
