import { hostname } from "node:os";

export interface ListenSettings {
  readonly host: string;
  readonly publicHost?: string;
}

/** The name under which others reach this bridge: as configured, else where it listens, else this machine's name. */
export function reachableHost({ host, publicHost }: ListenSettings): string {
  if (publicHost !== undefined) return publicHost;
  return host === "0.0.0.0" || host === "::" ? hostname().toLowerCase() : host;
}

/** `https://host:port`, with brackets where the host is an IPv6 address. */
export function urlOf(scheme: "https" | "http" | "mqtts" | "mqtt", host: string, port: number): string {
  return `${scheme}://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** A one-time link. Its token stands behind `#`, which no server and no log ever sees. */
export function welcomeLink(publicUrl: string, token: string): string {
  return `${publicUrl}/welcome#${token}`;
}
