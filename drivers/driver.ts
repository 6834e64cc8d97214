import type { Static, TSchema } from "typebox";
import type { FixKind } from "../protocol/bodies.ts";
import type { Position, Subject } from "../protocol/ids.ts";
import type { LevelFlag, LevelStatistics, NoiseQuantity } from "../protocol/noise.ts";
import type { DriverError } from "./errors.ts";

/** UTC, a monotonic clock, and a sleep that ends early (without throwing) when aborted. Virtual in tests. */
export interface Clock {
  /** UTC, ms. May jump. */
  nowMs(): number;
  /** Milliseconds since the start of the run; never jumps. */
  upMs(): number;
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** One value from a device, in the units of its field names. `atMs` is when it was read. */
export type Reading =
  | NoiseReading
  | NoisePeriodReading
  | PositionReading
  | MeasurementReading
  | MessageReading
  | SwitchReading
  | TimeReading;

/** One 1-s level. A level with an invalidating flag is kept as it was read and never used; no value at all is `null`. */
export interface NoiseReading {
  readonly kind: "noise";
  /** A-weighted sound level, dB re 20 µPa; null: the device answered that it has none. */
  readonly levelDb: number | null;
  readonly quantity: NoiseQuantity;
  readonly flags: readonly LevelFlag[];
  readonly atMs: number;
}

/**
 * Statistics that the device itself made over a period; the levels behind them stay with it. Recorded, and no rule moves
 * by it. `statistics.n` is the period in seconds; `valid` the same where the device calls its LAeq valid, else 0.
 */
export interface NoisePeriodReading {
  readonly kind: "noise-period";
  /** UTC by the device's own clock: 1 s to 1 h. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly quantity: NoiseQuantity;
  readonly statistics: LevelStatistics;
  readonly flags: readonly LevelFlag[];
  /** Sent again from the device's memory. */
  readonly isBackfill: boolean;
  /** The end of the period, or now where that lies before it. */
  readonly atMs: number;
}

/** One fix per epoch. No fix, no reading. */
export interface PositionReading {
  readonly kind: "position";
  readonly latitudeDeg: number;
  readonly longitudeDeg: number;
  readonly altitudeM?: number;
  readonly speedMps?: number;
  readonly bearingDeg?: number;
  readonly fix: FixKind;
  /** Radius in metres that holds about two fixes of three, as the receiver estimates it or by its dilution. */
  readonly accuracyM?: number;
  /** Satellites that the fix uses. */
  readonly satellites?: number;
  /** What gave it: the talker of its sentence (GP, BD, GN …), or the path of the receiver behind gpsd. */
  readonly source?: string;
  /** The receiver's own UTC of the fix, where it gave a full and sane one. */
  readonly fixAtMs?: number;
  readonly atMs: number;
}

export interface MeasurementReading {
  readonly kind: "measurement";
  readonly quantity: string;
  readonly unit: string;
  readonly value: number | null;
  readonly fromMs?: number;
  readonly toMs?: number;
  readonly flag?: string;
  /** Sent again from the device's memory. */
  readonly isBackfill?: boolean;
  readonly atMs: number;
}

/** `emergency` raises an alarm of its sender, without any rule in the config; repeat it for as long as the device says so. */
export interface MessageReading {
  readonly kind: "message";
  readonly type: "text" | "status" | "emergency";
  readonly text?: string;
  readonly statusCode?: number;
  readonly to?: Subject;
  /** Where the sender was, as the message itself said. */
  readonly position?: Position;
  readonly atMs: number;
}

/** A contact or an output as its unit read it: told when it changes, and again every 10 min. */
export interface SwitchReading {
  readonly kind: "switch";
  /** Its name in the device's config, e.g. `ignition`. */
  readonly name: string;
  readonly isOn: boolean;
  readonly atMs: number;
}

/** UTC as a receiver with a fix and a sane date gave it; `atMs` is the node's own at that moment. */
export interface TimeReading {
  readonly kind: "time";
  readonly utcMs: number;
  readonly source: "gnss";
  readonly atMs: number;
}

/** What a bus hangs on. A serial port is named by its by-id path; TCP by `host:port`. */
export type BusPort = { readonly serial: string } | { readonly tcp: string };

export interface BusSettings {
  readonly baudRate?: number;
  readonly parity?: "none" | "even" | "odd";
  readonly stopBits?: 1 | 2;
  /** How Modbus is framed on TCP: `rtu` (a serial server) or `tcp` (MBAP). Serial ports are always RTU. */
  readonly framing?: "rtu" | "tcp";
}

/** A Modbus function that reads or writes registers or coils. Addresses count from 0. */
export interface ModbusRequest {
  readonly unit: number;
  readonly function:
    | "read-coils"
    | "read-discrete-inputs"
    | "read-holding"
    | "read-input"
    | "write-coil"
    | "write-holding"
    | "write-registers";
  readonly address: number;
  /** Registers or coils to read. */
  readonly count?: number;
  /** Value to write to one coil or register. */
  readonly value?: number;
  /** Values of `write-registers`, at most 123. */
  readonly values?: readonly number[];
  readonly timeoutMs: number;
}

/**
 * A lease on a shared bus. One owner per port, one exchange at a time for all leases, commands before polls; after a
 * timeout a silence window and a drain, so that a late reply can never be taken for the answer to another request.
 */
export interface BusLease extends AsyncDisposable {
  /**
   * One exchange.
   * @returns register values (unsigned 16 bit), or coils as 0 and 1; for writes the value echoed, for `write-registers`
   *   how many were written
   * @throws DriverError MODBUS_TIMEOUT, MODBUS_CRC, MODBUS_EXCEPTION, MODBUS_GATEWAY, MODBUS_UNEXPECTED, BUS_LOST
   */
  modbus(request: ModbusRequest, priority?: "command" | "poll"): Promise<readonly number[]>;
  /**
   * The only poll clock: yields at fixed phases of `periodMs` without drift; a slot that has passed is counted as missed,
   * never made up. Ends when `signal` aborts.
   */
  every(periodMs: number, signal: AbortSignal): AsyncIterable<{ readonly missed: number }>;
}

/** A stream of bytes, in order: a serial port or a TCP connection. Iterating ends with the link, by throwing if it broke. */
export interface ByteLink extends AsyncDisposable, AsyncIterable<Uint8Array> {
  write(bytes: Uint8Array): Promise<void>;
  /** `host:port` of the other end, or the port's path. */
  readonly peer: string;
}

export interface DatagramLink
  extends AsyncDisposable,
    AsyncIterable<{ readonly bytes: Uint8Array; readonly from: TcpAddress }> {
  send(bytes: Uint8Array, to?: TcpAddress): Promise<void>;
  /** The port that is bound, where the system chose it. */
  readonly localPort: number;
}

export interface TcpAddress {
  readonly host: string;
  readonly port: number;
}

export interface UdpAddress {
  /** Where to send; absent: only listen. */
  readonly remote?: TcpAddress;
  /** Where to listen; absent: any port. */
  readonly local?: TcpAddress;
}

/** An act asked of a device, e.g. `{ kind: "text", args: { to, text } }`. Answer it exactly once. */
export interface DeviceCommand {
  readonly id: string;
  readonly kind: string;
  readonly args: Readonly<Record<string, unknown>>;
  done(value?: unknown): void;
  refuse(error: DriverError): void;
}

/** A server for devices that connect to us. */
export interface LinkListener extends AsyncDisposable, AsyncIterable<ByteLink> {
  readonly localPort: number;
}

/** All that a driver may touch: no process.env, no Date.now, no global logger, no file system. */
export interface DriverContext {
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** A lease on a shared bus: one owner per port, one exchange at a time. `bus.every()` is the only poll clock. */
  openBus(port: BusPort, settings: BusSettings): Promise<BusLease>;
  /** A serial port for this device alone, locked exclusively. */
  openSerial(path: string, settings: BusSettings): Promise<ByteLink>;
  openTcp(address: TcpAddress): Promise<ByteLink>;
  openUdp(address: UdpAddress): Promise<DatagramLink>;
  listenTcp(address: TcpAddress): Promise<LinkListener>;
  /** The device, or one subject behind it, answered correctly. Opening a port is not enough. */
  online(subject?: Subject): void;
  /** One operation on the device, or a subject, went wrong while the link holds: counted, shown, no restart. */
  fault(error: DriverError, subject?: Subject): void;
  /** Resolves when the pipeline has taken the reading: waiting for it is back-pressure for free. */
  emit(reading: Reading, subject?: Subject): Promise<void>;
  /** Acts asked of this device (text, relay, snapshot); each is answered once. */
  readonly commands: AsyncIterable<DeviceCommand>;
}

/** One thing wrong with a config that fits its schema. */
export interface ConfigFault {
  /** JSON pointer of the value, e.g. `/serial`; empty: the whole. */
  readonly pointer: string;
  /** What was seen, and what was expected. */
  readonly message: string;
  readonly hint: string;
}

export interface Driver<S extends TSchema = TSchema> {
  readonly kind: string;
  /** Of the device's YAML object without `driver`. Defaults are filled in before it is checked; see also `BusReference`. */
  readonly config: S;
  /** What the schema cannot say, e.g. keys that exclude each other. Pure; called with a config that fits the schema. */
  check?(config: Static<S>): readonly ConfigFault[];
  /** Serves one device until `signal` aborts. Rejects when the link is lost; reconnecting is the supervisor's job. */
  run(config: Static<S>, context: DriverContext): Promise<void>;
}
