import { MAX_PACKET_BYTES } from "../../protocol/limits.ts";
import { BROKER_CLIENT } from "../fleet/certificates.ts";

const MAX_KEEPALIVE_S = 300;
const MAX_CONNECTIONS_OF_BRIDGE = 64;
const IN_FLIGHT = 1000;

export interface MosquittoListener {
  readonly host: string;
  readonly port: number;
}

export interface MosquittoSettings {
  readonly nodes: MosquittoListener;
  readonly bridge: MosquittoListener;
  readonly prefix: string;
  /** Folder in which Mosquitto finds the files of `brokerFileNames`. */
  readonly folder: string;
  /** Whom Mosquitto becomes when it is started as root; Debian's is `mosquitto`. */
  readonly user?: string;
  readonly pidFile?: string;
}

export const brokerFileNames = {
  config: "shao.conf",
  acl: "shao.acl",
  ca: "ca.pem",
  certificate: "server.pem",
  key: "server.key",
  bridgeCertificate: "bridge.pem",
  revoked: "revoked.crl",
} as const;

/**
 * Two listeners. Nodes: the CA's certificates but for revoked ones, the client id is the certificate's name whatever the
 * client says, so that no node can take another's place. Bridge: its one certificate, and client ids of its own choice, since
 * several processes share it.
 */
export function mosquittoConfig(settings: MosquittoSettings): string {
  const { nodes, bridge, folder, user, pidFile } = settings;
  const file = (name: keyof typeof brokerFileNames) => `${folder}/${brokerFileNames[name]}`;
  return `# Mosquitto 2 for Shao. Made by \`shao bridge broker-config\`: make it anew rather than change it.
per_listener_settings false
allow_anonymous false
acl_file ${file("acl")}

# What is not delivered is given again by whoever owes it. A state that outlived its broker would be untrue.
persistence false
# The default drops what it has acknowledged.
max_queued_messages 0
max_queued_bytes 0
max_inflight_messages ${IN_FLIGHT}
max_packet_size ${MAX_PACKET_BYTES}
max_keepalive ${MAX_KEEPALIVE_S}
persistent_client_expiration 1h
set_tcp_nodelay true
${user === undefined ? "" : `user ${user}\n`}${pidFile === undefined ? "" : `pid_file ${pidFile}\n`}
# Nodes
listener ${nodes.port} ${nodes.host}
cafile ${file("ca")}
crlfile ${file("revoked")}
certfile ${file("certificate")}
keyfile ${file("key")}
tls_version tlsv1.2
require_certificate true
use_identity_as_username true
use_username_as_clientid true
allow_zero_length_clientid false

# The bridge
listener ${bridge.port} ${bridge.host}
cafile ${file("bridgeCertificate")}
certfile ${file("certificate")}
keyfile ${file("key")}
tls_version tlsv1.2
require_certificate true
use_identity_as_username true
max_connections ${MAX_CONNECTIONS_OF_BRIDGE}
`;
}

/** A node writes and reads on its own topics alone: %u is the name in its certificate. */
export function mosquittoAcl(prefix: string): string {
  return `pattern write ${prefix}/%u/up
pattern write ${prefix}/%u/state
pattern write ${prefix}/%u/blob/+
pattern write ${prefix}/%u/live/+
pattern read ${prefix}/%u/receipt
pattern read ${prefix}/%u/down

user ${BROKER_CLIENT}
topic read ${prefix}/+/up
topic read ${prefix}/+/state
topic read ${prefix}/+/blob/+
topic read ${prefix}/+/live/+
topic write ${prefix}/+/receipt
topic write ${prefix}/+/down
`;
}
