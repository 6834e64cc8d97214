import { BridgeError } from "./store/errors.ts";

/** What a refused `listen` means for whoever starts the bridge; anything else is handed on as it is. */
export function listenError(cause: unknown, host: string, port: number): unknown {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  if (code === "EADDRINUSE") {
    return new BridgeError("LISTEN_PORT_TAKEN", `port ${port} on ${host} is taken`, {
      status: 503,
      hint: "Another program listens there (`ss -ltnp` names it): stop it, or change `listen` in the config.",
      cause,
    });
  }
  if (code === "EADDRNOTAVAIL" || code === "EACCES" || code === "ENOTFOUND") {
    return new BridgeError("LISTEN_REFUSED", `this machine cannot listen on ${host}, port ${port} (${code})`, {
      status: 503,
      hint: "`listen.host` must be an address of this machine, and ports below 1024 need the right to them.",
      cause,
    });
  }
  return cause;
}
