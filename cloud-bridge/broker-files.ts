import { chmodSync, chownSync, mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { brokerFileNames, type MosquittoSettings, mosquittoAcl, mosquittoConfig } from "./broker/mosquitto-config.ts";
import type { Authority } from "./fleet/authority.ts";
import { readIfThere, writePrivateFile } from "./fleet/private-files.ts";
import type { Db } from "./store/database.ts";

/** So that Mosquitto, which runs as somebody else, can read what is no secret. */
const FOR_ALL = 0o644;

export interface BrokerFiles {
  readonly config: string;
  readonly files: readonly string[];
}

export interface BrokerFilesOptions {
  readonly authority: Authority;
  readonly db: Db;
  readonly settings: MosquittoSettings;
  /** Names under which clients reach the broker. */
  readonly hosts: readonly string[];
  readonly nowMs: number;
}

/** Writes all that Mosquitto needs to stand between nodes and this bridge. Harmless to repeat. */
export async function writeBrokerFiles(options: BrokerFilesOptions): Promise<BrokerFiles> {
  const { authority, settings, nowMs } = options;
  const { folder, prefix } = settings;
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  writePublic(join(folder, brokerFileNames.acl), mosquittoAcl(prefix));
  writePublic(join(folder, brokerFileNames.config), mosquittoConfig(settings));
  writePublic(join(folder, brokerFileNames.bridgeCertificate), (await authority.brokerClient(nowMs)).certificatePem);
  await tendBrokerFiles(options);
  return {
    config: join(folder, brokerFileNames.config),
    files: Object.values(brokerFileNames).map((name) => join(folder, name)),
  };
}

/**
 * Brings what changes with time up to date: the server's certificate, the list of revoked ones.
 * @returns whether anything has changed: the broker must read it anew
 */
export async function tendBrokerFiles(
  options: Omit<BrokerFilesOptions, "settings"> & {
    readonly settings: Pick<MosquittoSettings, "folder">;
  },
): Promise<boolean> {
  const { authority, db, hosts, nowMs, settings } = options;
  const path = (name: keyof typeof brokerFileNames) => join(settings.folder, brokerFileNames[name]);
  const server = await authority.serverTls(hosts, nowMs);
  const isRenewed = readIfThere(path("key")) !== server.key || readIfThere(path("certificate")) !== server.cert;
  if (isRenewed) {
    writePublic(path("ca"), server.ca);
    writePublic(path("certificate"), server.cert);
    const { mode = 0o600, uid, gid } = statSync(path("key"), { throwIfNoEntry: false }) ?? {};
    writePrivateFile(path("key"), server.key);
    // Whoever was let read the old one reads the new one.
    if (uid !== undefined && gid !== undefined) {
      chmodSync(path("key"), mode & 0o777);
      chownSync(path("key"), uid, gid);
    }
  }
  const rows = await db.selectFrom("revoked_certificates").selectAll().orderBy("serial").execute();
  const written = `${path("revoked")}.serials`;
  const serials = `${rows.map(({ serial }) => serial).join("\n")}\n`;
  if (readIfThere(path("revoked")) !== undefined && readIfThere(written) === serials) return isRenewed;
  const revoked = rows.map(({ serial, at_ms }) => ({ serial, atMs: at_ms }));
  writePublic(path("revoked"), await authority.revocationList(revoked, nowMs));
  writePrivateFile(written, serials);
  return true;
}

function writePublic(path: string, text: string): void {
  writePrivateFile(path, text);
  chmodSync(path, FOR_ALL);
}
