import { GatewayError } from "../contracts/gateway-error.ts";

const UNREACHABLE = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENETDOWN",
  "EHOSTDOWN",
]);
/** CONNACK return codes of MQTT 3.1.1, §3.2.2.3. */
const CONNACK: Readonly<Record<number, string>> = {
  1: "unacceptable protocol version",
  2: "client id rejected",
  3: "server unavailable",
  4: "bad user name or password",
  5: "not authorised",
};

/** Why a session did not come about, or ended, in words for the installer. */
export function brokerError(cause: Error | undefined, address: string): GatewayError {
  const code = cause !== undefined && "code" in cause ? cause.code : undefined;
  if (typeof code === "number") return refused(`${CONNACK[code] ?? `return code ${code}`}`, address, cause);
  const name = typeof code === "string" ? code : "";
  if (UNREACHABLE.has(name)) {
    return new GatewayError("BROKER_UNREACHABLE", `no connection to ${address}: ${cause?.message ?? name}`, {
      hint: "Check `bridge.url`, the network and that the bridge runs. Records are kept and sent later.",
      cause,
    });
  }
  // An alert comes from the other side: it does not like our certificate. All else of TLS is our judgement of theirs.
  if (/ssl.*alert|alert number/i.test(cause?.message ?? "")) {
    return refused(`TLS alert: ${cause?.message ?? ""}`, address, cause);
  }
  if (isCertificateFault(name)) {
    return new GatewayError(
      "BROKER_CERTIFICATE",
      `the certificate of ${address} does not hold: ${cause?.message ?? name}`,
      {
        hint: "The bridge was set up anew, or is reached under a name that its certificate does not carry. Enrol again, or correct `bridge.url`.",
        cause,
      },
    );
  }
  return new GatewayError("BROKER_LOST", `${address} closed the connection: ${cause?.message ?? "without a word"}`, {
    hint: "Mostly the network; it is tried again by itself. If it repeats at once, look at the bridge's log for this node.",
    cause,
  });
}

function refused(what: string, address: string, cause: Error | undefined): GatewayError {
  return new GatewayError("BROKER_REFUSED", `${address} refuses this node: ${what}`, {
    hint: "The node is revoked, was enrolled elsewhere, or its id is another's. `shao node add ID` at the bridge, then `shao enroll` here.",
    cause,
  });
}

function isCertificateFault(code: string): boolean {
  return (
    /^(CERT_|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED|ERR_TLS_|INVALID_|HOSTNAME_)/.test(code) ||
    code === "ERR_SSL_WRONG_VERSION_NUMBER"
  );
}
