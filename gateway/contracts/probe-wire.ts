import { type Static, Type } from "typebox";

/** The socket in a gateway's state folder through which `shao probe` asks the one that owns the ports. One JSON a line. */
export const PROBE_SOCKET = "probe.sock";

const Word = Type.Integer({ minimum: 0, maximum: 0xffff });

/** What may be asked. Reading only: nothing on a line is ever written through this socket. */
export const ProbeQuestion = Type.Union([
  Type.Object(
    {
      ask: Type.Literal("devices"),
      /** Only this one. */
      device: Type.Optional(Type.String({ maxLength: 64 })),
      /** How long each may take. */
      withinMs: Type.Integer({ minimum: 100, maximum: 120_000 }),
    },
    { additionalProperties: false },
  ),
  Type.Object(
    {
      ask: Type.Literal("read"),
      /** Name of an entry of `buses`. */
      bus: Type.String({ maxLength: 64 }),
      unit: Type.Integer({ minimum: 1, maximum: 247 }),
      function: Type.Union([Type.Literal("read-holding"), Type.Literal("read-input")]),
      address: Word,
      count: Type.Integer({ minimum: 1, maximum: 125 }),
      timeoutMs: Type.Integer({ minimum: 20, maximum: 2000 }),
    },
    { additionalProperties: false },
  ),
]);
export type ProbeQuestion = Static<typeof ProbeQuestion>;

/** To `devices` one line a device and then `end`; to `read` one line. */
export type ProbeAnswer =
  | {
      readonly device: string;
      readonly driver: string;
      readonly ok: boolean;
      readonly reading?: object;
      readonly code?: string;
    }
  | { readonly end: true }
  | { readonly values: readonly number[] }
  | { readonly error: { readonly code: string; readonly message: string; readonly hint: string } };
