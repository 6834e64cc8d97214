import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { CaseDetail, CaseView } from "../../cloud-bridge/api/schema/desk.ts";
import type { NodeView } from "../../cloud-bridge/api/schema/fleet.ts";
import { SITES, VEHICLES } from "./city.ts";
import { pause } from "./crew-actor.ts";
import type { DemoCamera } from "./demo-camera.ts";
import { dropLink, type Story } from "./demo-story.ts";

/** What `demo --once` prints. Latencies are ms of real time, from the alarm's own raisedAtMs on the node. */
export interface DemoReport {
  readonly commit: string;
  readonly timeScale: number;
  readonly raisedToCaseMs: number;
  readonly raisedToCrewMs: number;
  readonly caseToVerifiedMs: number;
  readonly records: number;
  readonly stored: number;
  readonly declared: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly nodes: number;
  readonly cases: number;
}

/** The stage that was not reached. */
export class DemoFailure extends Error {
  constructor(stage: string) {
    super(`not reached: ${stage}`);
    this.name = "DemoFailure";
  }
}

export interface Once extends Story {
  readonly notified: readonly { readonly crewId: string; readonly caseId: string; readonly atMs: number }[];
  readonly timeScale: number;
  /** Undefined on a box without ffmpeg. */
  readonly camera: DemoCamera | undefined;
}

const LOOK_EVERY_MS = 250;

/**
 * Makes one site loud and follows what comes of it: case, crew, on scene, resolved, closed by the sensors; then counts
 * whether all that the nodes recorded arrived once.
 * @throws DemoFailure naming the stage
 */
export async function watchOnce(once: Once): Promise<DemoReport> {
  const { admin, city, link, notified, camera, signal, say } = once;
  const site = SITES[0];
  if (site === undefined) throw new DemoFailure("a site");
  const nodes = [...SITES, ...VEHICLES];

  const until = async <T>(stage: string, look: () => Promise<T | undefined>): Promise<T> => {
    for (;;) {
      const found = await look();
      if (found !== undefined) {
        say(`  ✓ ${stage}`);
        return found;
      }
      await pause(LOOK_EVERY_MS, signal).catch(() => {
        throw new DemoFailure(stage);
      });
    }
  };
  const nodeViews = async () =>
    ((await admin.call("GET", "/api/v1/nodes?limit=500")) as { items: readonly NodeView[] }).items;
  const cases = async () =>
    ((await admin.call("GET", "/api/v1/cases?limit=500")) as { items: readonly CaseView[] }).items;
  const theCase = async () => (await cases()).find((view) => view.family === "noise" && view.siteId === site.node);

  const pictured = async (caseId: string) => {
    const { evidence } = (await admin.call("GET", `/api/v1/cases/${caseId}`)) as CaseDetail;
    const stored = evidence.flatMap(({ parts }) => parts.filter(({ state }) => state === "stored"));
    const [still, clip] = ["snapshot", "clip"].map((wanted) => stored.find(({ type }) => type === wanted));
    return still === undefined || clip === undefined ? undefined : { still, clip };
  };
  const truckWithOpenBed = async (gate: DemoCamera) => {
    await gate.bring();
    say(`  ${site.name}: a truck drives up to the gate, its bed open`);
    const found = await until("the camera saw it, case open", async () =>
      (await cases()).find((view) => view.family === "vision" && view.siteId === site.node),
    );
    await until("its case shows a picture and a clip", () => pictured(found.id));
  };

  say("4/4 one violation, followed to its end");
  await until("all nodes connected and read", async () => {
    const views = await nodeViews();
    const fresh = views.filter(({ presence }) => presence.transport === "connected" && presence.devices.some(isRead));
    return fresh.length === nodes.length ? fresh : undefined;
  });
  city.beginNoise(site.node, Date.now());
  say(`  ${site.name}: work begins, about 79 dB(A) at the gate`);
  void dropLink(link, signal, say, { afterMs: 10_000, forMs: 8_000 });
  // The truck comes meanwhile: its pictures cost the demo no time of its own.
  const truck = camera === undefined ? undefined : truckWithOpenBed(camera);
  truck?.catch(() => undefined);

  const opened = await until("alarm raised, case open", theCase);
  const told = await until("crew notified", async () => notified.find(({ caseId }) => caseId === opened.id));
  await until("crew on scene", async () => {
    const view = await theCase();
    return view?.assignment?.onSceneAtMs === undefined ? undefined : view;
  });
  await until("resolved", async () => {
    const view = await theCase();
    return view !== undefined && ["resolved", "verifying", "closed"].includes(view.state) ? view : undefined;
  });
  say("  waiting for the meters: a minute of quiet clears the alarm, then the quiet is proven");
  const closed = await until("sensor-verified, closed", async () => {
    const view = await theCase();
    return view?.state === "closed" ? view : undefined;
  });

  if (truck !== undefined) {
    await until("the noise case shows a picture and a clip of the gate", () => pictured(opened.id));
    await truck;
  }

  const detail = (await admin.call("GET", `/api/v1/cases/${opened.id}`)) as CaseDetail;
  const raisedAtMs = Math.min(...detail.alarms.map(({ body }) => body.raisedAtMs));
  const views = await until("every record stored or declared", async () => {
    const all = await nodeViews();
    return all.every(({ accounting }) => accounting.outstanding === 0) ? all : undefined;
  });
  const total = (pick: (view: NodeView) => number) => views.reduce((sum, view) => sum + pick(view), 0);
  const everyCase = await cases();
  const alarmIds = everyCase.flatMap(({ alarmIds: ids }) => ids);
  return {
    commit: commitOfThisTree(),
    timeScale: once.timeScale,
    raisedToCaseMs: opened.openedAtMs - raisedAtMs,
    raisedToCrewMs: told.atMs - raisedAtMs,
    caseToVerifiedMs: (closed.closedAtMs ?? Number.NaN) - opened.openedAtMs,
    records: total(({ accounting }) => accounting.expected),
    stored: total(({ accounting }) => accounting.stored),
    declared: total(({ accounting }) => accounting.declared),
    lost: total(({ accounting }) => accounting.unexplained),
    duplicated: alarmIds.length - new Set(alarmIds).size,
    nodes: views.length,
    cases: everyCase.length,
  };
}

function isRead(device: NodeView["presence"]["devices"][number]): boolean {
  return device.state === "online";
}

function commitOfThisTree(): string {
  try {
    const cwd = fileURLToPath(new URL("../..", import.meta.url));
    return execFileSync("git", ["rev-parse", "--short", "HEAD"], { cwd, encoding: "utf8", stdio: "pipe" }).trim();
  } catch {
    return "unknown";
  }
}
