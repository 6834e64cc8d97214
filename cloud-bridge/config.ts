import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { checkDocument } from "../protocol/document/check-document.ts";
import { didYouMean } from "../protocol/document/did-you-mean.ts";
import { type DocumentFault, inDocumentOrder } from "../protocol/document/fault.ts";
import { type DocumentNode, faultAt, nodeAt, parseDocumentText } from "../protocol/document/parse-document.ts";
import { BridgeDocument } from "./config-schema.ts";
import { dispatchFaults } from "./dispatch-faults.ts";

/** The whole config, checked: nothing in it needs another look. */
export interface BridgeConfig extends BridgeDocument {
  /** SHA-256 of the file's bytes. */
  readonly sha256: string;
}

export type BridgeConfigResult =
  | { readonly ok: true; readonly config: BridgeConfig; readonly text: string }
  | { readonly ok: false; readonly faults: readonly DocumentFault[]; readonly text: string };

/** Reads and checks the bridge's config. Never throws for what a file may hold: every fault is told at once. */
export async function loadBridgeConfig(path: string): Promise<BridgeConfigResult> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    const fault: DocumentFault = {
      code: "CONFIG_UNREADABLE",
      path: "",
      at: { line: 1, column: 1 },
      message: `the file cannot be read (${(error as NodeJS.ErrnoException).code ?? "unknown error"})`,
      expected: `a readable file at ${path}`,
    };
    return { ok: false, faults: [fault], text: "" };
  }
  return checkBridgeConfig(bytes);
}

/** The same for bytes at hand. */
export function checkBridgeConfig(bytes: Uint8Array): BridgeConfigResult {
  const text = new TextDecoder().decode(bytes);
  const { root, faults } = parseDocumentText(text);
  if (faults.length > 0) return { ok: false, faults: inDocumentOrder(faults), text };
  const checked = checkDocument(BridgeDocument, root);
  const all = [
    ...checked.faults,
    ...zoneFaults(root),
    ...loopbackFaults(root),
    ...webhookFaults(root),
    ...passwordFaults(root),
    ...brokerFaults(root),
    ...dispatchFaults(root),
  ];
  if (all.length > 0) return { ok: false, faults: inDocumentOrder(all), text };
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  return { ok: true, config: { ...checked.value, sha256 }, text };
}

function zoneFaults(root: DocumentNode): DocumentFault[] {
  const node = nodeAt(root, ["timeZone"]);
  if (node?.type !== "scalar" || typeof node.value !== "string") return [];
  try {
    new Intl.DateTimeFormat("en", { timeZone: node.value });
    return [];
  } catch {
    const near = didYouMean(node.value, Intl.supportedValuesOf("timeZone"));
    const fault = {
      code: "CONFIG_WRONG_VALUE",
      message: `timeZone: no time zone is called ${JSON.stringify(node.value.slice(0, 64))}`,
      expected: "an IANA time zone",
      example: "timeZone: Asia/Shanghai",
    } as const;
    return [faultAt(root, ["timeZone"], near === undefined ? fault : { ...fault, suggestion: near })];
  }
}

function passwordFaults(root: DocumentNode): DocumentFault[] {
  const path = ["store", "postgres"];
  const isThere = (name: string) => nodeAt(root, [...path, name]) !== undefined;
  if (!isThere("passwordFile") || !isThere("passwordEnv")) return [];
  return [
    faultAt(root, [...path, "passwordEnv"], {
      code: "CONFIG_WRONG_VALUE",
      message: "store.postgres: passwordFile and passwordEnv both say where the password is",
      expected: "one of the two",
      example: "passwordFile: /etc/shao/db.password",
    }),
  ];
}

function brokerFaults(root: DocumentNode): DocumentFault[] {
  const path = ["broker", "external"];
  const faults: DocumentFault[] = [];
  for (const name of ["url", "nodesUrl"]) {
    const node = nodeAt(root, [...path, name]);
    if (node?.type !== "scalar" || typeof node.value !== "string" || !node.value.startsWith("mqtt://")) continue;
    if (/^mqtt:\/\/(127\.0\.0\.1|\[::1\])(:|$)/u.test(node.value)) continue;
    faults.push(
      faultAt(root, [...path, name], {
        code: "CONFIG_WRONG_VALUE",
        message: `broker.external.${name}: MQTT without TLS, and not on loopback`,
        expected: "mqtts://, or mqtt:// on 127.0.0.1 or [::1]",
        example: `${name}: mqtts://mqtt.example:8884`,
      }),
    );
  }
  const [hasCert, hasKey] = ["certFile", "keyFile"].map((name) => nodeAt(root, [...path, name]) !== undefined);
  if (hasCert !== hasKey) {
    const name = hasCert === true ? "certFile" : "keyFile";
    faults.push(
      faultAt(root, [...path, name], {
        code: "CONFIG_WRONG_VALUE",
        message: `broker.external: ${name} stands alone`,
        expected: "certFile and keyFile, or neither",
        example: "certFile: /etc/shao/broker.pem",
      }),
    );
  }
  return faults;
}

function webhookFaults(root: DocumentNode): DocumentFault[] {
  const webhooks = nodeAt(root, ["channels", "webhooks"]);
  if (webhooks?.type !== "map") return [];
  return webhooks.entries.flatMap(({ key }) => {
    const path = ["channels", "webhooks", key, "url"];
    const url = nodeAt(root, path);
    if (url?.type !== "scalar" || typeof url.value !== "string" || !URL.canParse(url.value)) return [];
    const { protocol, hostname } = new URL(url.value);
    if (protocol === "https:" || ["127.0.0.1", "[::1]", "localhost"].includes(hostname)) return [];
    return [
      faultAt(root, path, {
        code: "CONFIG_WRONG_VALUE",
        message: `channels.webhooks.${key}.url: what is sent there could be read on the way`,
        expected: "an https URL; http only to this machine",
        example: "url: https://hooks.example/shao",
      }),
    ];
  });
}

function loopbackFaults(root: DocumentNode): DocumentFault[] {
  const insecure = nodeAt(root, ["insecureLoopback"]);
  if (insecure?.type !== "scalar" || insecure.value !== true) return [];
  const host = nodeAt(root, ["listen", "host"]);
  if (host === undefined || (host.type === "scalar" && (host.value === "127.0.0.1" || host.value === "::1"))) return [];
  return [
    faultAt(root, ["listen", "host"], {
      code: "CONFIG_WRONG_VALUE",
      message: "listen.host: insecureLoopback is set, and this is not loopback",
      expected: "127.0.0.1 or ::1, or no insecureLoopback",
      example: "host: 127.0.0.1",
    }),
  ];
}
