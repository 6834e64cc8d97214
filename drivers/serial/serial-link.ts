import type { BusSettings, ByteLink } from "../driver.ts";
import { DriverError } from "../errors.ts";
import { duplexLink } from "../net/duplex-link.ts";
import { messageOf } from "../net/system-error.ts";
import { portHolder } from "./port-holder.ts";

const DEFAULT_BAUD_RATE = 9600;

/**
 * Opens a serial port for this process alone.
 * @throws DriverError PORT_NOT_FOUND, PORT_BUSY, PORT_DENIED, PORT_NOT_SERIAL; PORT_LOST when it vanishes later
 */
export async function openSerialLink(path: string, settings: BusSettings): Promise<ByteLink> {
  // A program that reads the port without a lock would steal bytes from us, so holding it open is enough to refuse.
  const holder = portHolder(path);
  if (holder !== undefined) throw portBusy(path, holder);
  const { SerialPort } = await import("serialport");
  const port = new SerialPort({
    path,
    baudRate: settings.baudRate ?? DEFAULT_BAUD_RATE,
    parity: settings.parity ?? "none",
    stopBits: settings.stopBits ?? 1,
    dataBits: 8,
    lock: true,
    autoOpen: false,
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  port.open((error) => (error === null || error === undefined ? resolve() : reject(openError(error, path))));
  await promise;
  // Destroying the stream leaves the port open and locked: no second run could have it, and the process would not end.
  const release = () => new Promise<void>((done) => port.close(() => done()));
  return duplexLink(port, path, (cause) => portLost(path, cause), release);
}

function portLost(path: string, cause: unknown): DriverError {
  return new DriverError("PORT_LOST", `serial port ${path} is gone${cause ? `: ${messageOf(cause)}` : ""}`, {
    retry: "backoff",
    hint: "Plug the adapter in again. It is found by itself when the config names it by its /dev/serial/by-id path.",
    cause,
  });
}

function portBusy(path: string, holder: string | undefined, cause?: unknown): DriverError {
  const by = holder === undefined ? "another program" : holder;
  return new DriverError("PORT_BUSY", `serial port ${path} is held by ${by}`, {
    retry: "backoff",
    hint: `Stop that program, or give this device another port. "fuser -v ${path}" shows who has it open.`,
    cause,
  });
}

function openError(error: unknown, path: string): DriverError {
  const text = messageOf(error);
  if (/lock|busy|temporarily unavailable/i.test(text)) return portBusy(path, portHolder(path), error);
  if (/no such file|no such device|cannot find/i.test(text)) {
    return new DriverError("PORT_NOT_FOUND", `there is no serial port ${path}`, {
      retry: "backoff",
      hint: 'Is the adapter plugged in? "ls -l /dev/serial/by-id" lists what is there.',
      cause: error,
    });
  }
  if (/permission|denied|not permitted/i.test(text)) {
    return new DriverError("PORT_DENIED", `no permission to open serial port ${path}`, {
      retry: "backoff",
      hint: 'Add the account of the gateway to the group of the port: "usermod -aG dialout shao".',
      cause: error,
    });
  }
  return new DriverError("PORT_NOT_SERIAL", `${path} cannot be opened as a serial port: ${text}`, {
    retry: "backoff",
    hint: "Check that the path is a serial port and that the adapter knows this baud rate.",
    cause: error,
  });
}
