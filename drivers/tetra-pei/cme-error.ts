import { DriverError } from "../errors.ts";

/** What a radio's refusals mean. @source EN 300 392-5, extended error report codes */
const KNOWN: Readonly<Record<number, { readonly code: string; readonly message: string; readonly hint: string }>> = {
  30: {
    code: "RADIO_OUT_OF_SERVICE",
    message: "the radio has no service",
    hint: "Check its aerial and the coverage.",
  },
  31: {
    code: "RADIO_NO_ACKNOWLEDGEMENT",
    message: "the network did not acknowledge it",
    hint: "Send it again; if it repeats, look at the coverage and the load of the cell.",
  },
  35: {
    code: "RADIO_SYNTAX",
    message: "the radio does not understand the command",
    hint: "Its firmware may know another form; see the driver's README.",
  },
  41: {
    code: "RADIO_TRANSMIT_INHIBITED",
    message: "the radio may not transmit",
    hint: "Switch its transmit inhibit off.",
  },
  42: {
    code: "RADIO_BUSY",
    message: "the radio was busy all the time",
    hint: "Send it again. A call or another program may hold the radio.",
  },
};

/** @param number of the +CME ERROR; undefined: a plain ERROR */
export function cmeError(number: number | undefined): DriverError {
  const known = number === undefined ? undefined : KNOWN[number];
  if (known !== undefined) {
    const { code, message, hint } = known;
    return new DriverError(code, message, { retry: "backoff", hint });
  }
  return new DriverError("RADIO_REFUSED", `the radio refused it, error ${number ?? "without a number"}`, {
    retry: "backoff",
    hint: "EN 300 392-5 lists the numbers; the radio's manual may know more.",
  });
}
