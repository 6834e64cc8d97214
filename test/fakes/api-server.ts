import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { caseworkPortOf } from "../../cloud-bridge/api/casework-port.ts";
import type { ApiLimits } from "../../cloud-bridge/api/context.ts";
import { deskPortOf } from "../../cloud-bridge/api/desk-port-of.ts";
import { createApi } from "../../cloud-bridge/api/server.ts";
import { REFUSALS, type Refusal } from "../../cloud-bridge/broker/access.ts";
import type { Link } from "../../cloud-bridge/broker/link.ts";
import { ConfigDesk } from "../../cloud-bridge/dispatch/config-desk.ts";
import type { Desk } from "../../cloud-bridge/dispatch/desk.ts";
import { NodeCommands } from "../../cloud-bridge/dispatch/node-commands.ts";
import { Rollouts } from "../../cloud-bridge/dispatch/rollouts.ts";
import { BlobFiles } from "../../cloud-bridge/evidence/blob-files.ts";
import { FiguresThread } from "../../cloud-bridge/figures-thread.ts";
import type { Authority } from "../../cloud-bridge/fleet/authority.ts";
import { type AccountRole, addAccount } from "../../cloud-bridge/roster/accounts.ts";
import { openSession } from "../../cloud-bridge/roster/sessions.ts";
import { openStore, type Store } from "../../cloud-bridge/store/database.ts";
import { type Logger, silentLogger } from "../../cloud-bridge/store/logger.ts";
import { ApiClient } from "./api-client.ts";
import { emptyCasework, emptyDesk } from "./empty-desk.ts";

/** A link without MQTT: who is in `connected` gets what is published. */
export function fakeLink(): Link & { readonly connected: Set<string>; readonly sent: [string, string][] } {
  const connected = new Set<string>();
  const sent: [string, string][] = [];
  return {
    port: 0,
    state: "embedded",
    connected,
    sent,
    async publish(topic, bytes) {
      if (!connected.has(topic.split("/")[1] ?? "")) return false;
      sent.push([topic, Buffer.from(bytes).toString()]);
      return true;
    },
    disconnect: (node) => void connected.delete(node),
    counters: () => ({
      connected: connected.size,
      connects: 0,
      takeOvers: 0,
      messagesIn: 0,
      messagesOut: sent.length,
      refused: {
        ...(Object.fromEntries(REFUSALS.map((refusal) => [refusal, 0])) as Record<Refusal, number>),
        oversized: 3,
      },
    }),
    close: async () => {},
  };
}

/** The API over real HTTPS on a free port, with a real store and a desk of one case, or with those of a rig. */
export async function startTestApi(
  authority: Authority,
  {
    limits,
    of,
    log = silentLogger,
  }: {
    limits?: ApiLimits;
    log?: Logger;
    of?: { readonly store: Store & { readonly state: string }; readonly desk: Desk };
  } = {},
) {
  const state = of?.store.state ?? mkdtempSync(join(tmpdir(), "shao-api-"));
  const store = of?.store ?? openStore({ state, nowMs: Date.now() });
  const desk = { ...emptyDesk(), ...(of === undefined ? {} : deskPortOf(of.desk, store.db)) };
  const clock = { nowMs: Date.now, upMs: () => Math.round(performance.now()) };
  const link = fakeLink();
  const figures = new FiguresThread({ store: "sqlite", state }, () => performance.now());
  let url = "";
  const commands = new NodeCommands({
    ...{ db: store.db, clock, authority },
    log: silentLogger,
    send: (node, bytes) => link.publish(`shao/${node}/down`, bytes, 1),
  });
  const configs = new ConfigDesk({ db: store.db, clock, commands });
  const rollouts = new Rollouts({ db: store.db, clock, desk: configs, commands, log: silentLogger });
  const { app, hub, leases, video } = await createApi({
    store,
    authority,
    desk,
    casework: of === undefined ? emptyCasework() : caseworkPortOf(of.desk, store.db, clock),
    link,
    ...{ commands, configs, rollouts },
    figures,
    evidenceFiles: new BlobFiles(state),
    clock,
    log,
    tls: await authority.serverTls([], Date.now()),
    mqttUrl: "mqtts://127.0.0.1:8883",
    publicUrl: () => url,
    timeZone: "Asia/Shanghai",
    consoleFolder: join(state, "console"),
    version: "test",
    metricsToken: "scraper-token-of-this-test",
    checkAnswers: true,
    ...(limits === undefined ? {} : { limits }),
  });
  await app.listen({ host: "127.0.0.1", port: 0 });
  const address = app.server.address();
  if (typeof address !== "object" || address === null) throw new Error("no port");
  url = `https://127.0.0.1:${address.port}`;
  const client = () => new ApiClient(url, authority.caPem);
  let names = 0;
  return {
    app,
    store,
    desk,
    link,
    commands,
    hub,
    leases,
    rollouts,
    video,
    state,
    url,
    client,
    /** A client that is signed in; no password is hashed for it. */
    async as(role: AccountRole, more: { crewId?: string } = {}): Promise<ApiClient> {
      names += 1;
      const crew = role === "crew" ? { crewId: more.crewId ?? "crew-1" } : {};
      const { account } = await addAccount(store.db, { name: `${role} ${names}`, role, ...crew }, Date.now());
      const signedIn = client();
      const session = await openSession(store.db, account.id, Date.now());
      signedIn.cookie = `__Host-shao=${session.secret}`;
      return signedIn;
    },
    async close() {
      await app.close();
      await figures.close();
      if (of === undefined) await store.close();
    },
  };
}
