import { randomUUID } from "node:crypto";
import type { Assignment, CaseView, CrewAct } from "../../cloud-bridge/api/schema/desk.ts";
import { distanceM } from "../../protocol/geodesy.ts";
import type { ApiClient } from "./api-client.ts";
import { type City, type CityVehicle, type Point, SITES } from "./city.ts";

/** How long people take, ms of real time: they are not scaled, since a crew's pace is what it is. */
const READ_MS = 1_200;
const START_MS = 800;
const TALK_MS = 1_500;
const LOOK_EVERY_MS = 500;
/** A crew presses "on scene" when it stands at the gate. */
const AT_GATE_M = 60;

export interface CrewActorOptions {
  readonly client: ApiClient;
  readonly vehicle: CityVehicle;
  readonly city: City;
  readonly signal: AbortSignal;
  /** The crew has talked to the site's foreman: the machines stop. */
  readonly onWordGiven: (node: string) => void;
  readonly onNotified: (assignment: Assignment, atMs: number) => void;
  readonly say: (sentence: string) => void;
}

/**
 * A simulated crew at its phone: hears of its assignment by SSE as the page does, acknowledges, drives there, has the noise
 * stopped and reports it resolved. Whether the case closes is the sensor's word alone.
 */
export async function runCrewActor(options: CrewActorOptions): Promise<void> {
  const { client, vehicle, signal } = options;
  const busyWith = new Set<string>();
  await client.events(signal, ({ name, data }) => {
    if (name !== "assignment") return;
    const { assignment, case: view } = data as { assignment: Assignment; case: CaseView };
    if (assignment.crewId !== vehicle.crewId || assignment.state !== "assigned" || busyWith.has(assignment.id)) return;
    busyWith.add(assignment.id);
    options.onNotified(assignment, Date.now());
    serve(options, assignment, view).catch((error: unknown) => {
      if (!signal.aborted)
        options.say(`${vehicle.crewName}: ${error instanceof Error ? error.message : String(error)}`);
    });
  });
}

async function serve(options: CrewActorOptions, assignment: Assignment, view: CaseView): Promise<void> {
  const { client, vehicle, city, signal, say } = options;
  const act = (name: CrewAct["act"]) =>
    client.call(
      "POST",
      `/api/v1/assignments/${assignment.id}/acts`,
      { act: name, deviceTimeMs: Date.now(), position: plain(city.position(vehicle.node, Date.now())) },
      { "idempotency-key": randomUUID() },
    );
  const goal = view.position;
  if (goal === undefined) return;

  await pause(READ_MS, signal);
  await act("acknowledge");
  say(`${vehicle.crewName} acknowledged case ${view.number}`);
  await pause(START_MS, signal);
  await act("en-route");
  city.drive(vehicle.node, goal, Date.now());
  while (!signal.aborted && distanceM(city.position(vehicle.node, Date.now()), goal) > AT_GATE_M) {
    await pause(LOOK_EVERY_MS, signal);
  }
  await act("on-scene");
  say(`${vehicle.crewName} is on scene`);
  await pause(TALK_MS, signal);
  const isNoise = view.family === "noise";
  const site = isNoise ? SITES.find((one) => distanceM(one, goal) < AT_GATE_M) : undefined;
  if (site !== undefined) options.onWordGiven(site.node);
  await act("resolved");
  say(
    isNoise
      ? `${vehicle.crewName} had the work stopped; the meters decide whether it is quiet`
      : `${vehicle.crewName} had the bed covered; somebody else closes the case by its pictures`,
  );
  city.drive(vehicle.node, vehicle.base, Date.now() + TALK_MS);
}

function plain(point: Point): Point {
  return { latitudeDeg: point.latitudeDeg, longitudeDeg: point.longitudeDeg };
}

/** Waits; ends early, by throwing, when `signal` aborts. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(done, ms);
    function done() {
      signal.removeEventListener("abort", stop);
      resolve();
    }
    function stop() {
      clearTimeout(timer);
      reject(signal.reason);
    }
    signal.addEventListener("abort", stop, { once: true });
  });
}
