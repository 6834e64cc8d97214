import type { ApiClient } from "../../cli/sim/api-client.ts";
import type { LocalSystem } from "../../cli/sim/local-system.ts";

const END_CASES_EVERY_MS = 2_500;

/** A crew that hears of its assignments and does nothing, so that timers act; and a desk that ends each case, so that new ones open. */
export async function enterPeople(system: LocalSystem, admin: ApiClient, signal: AbortSignal): Promise<void> {
  await admin.call("POST", "/api/v1/units", { id: "kill", name: "Fault test", level: "district" });
  for (const crewId of ["crew-a", "crew-b"]) {
    await admin.call("POST", "/api/v1/crews", { id: crewId, name: crewId, unitId: "kill" });
    await admin.call("POST", "/api/v1/rosters", { crewId, fromMs: Date.now() - 60_000, toMs: Date.now() + 86_400_000 });
    const crew = await system.signIn(await system.addAccount(crewId, "crew", crewId));
    const position = { latitudeDeg: 39.915, longitudeDeg: 116.456, atMs: Date.now() };
    await crew.call("POST", `/api/v1/crews/${crewId}/position`, position);
    void crew.events(signal, () => {});
  }
  const endCases = async () => {
    const { items } = (await admin.call("GET", "/api/v1/cases?open=true&limit=50")) as { items: { id: string }[] };
    for (const { id } of items) {
      const act = { act: "false-alarm", cause: "fault test: the next, please" };
      await admin.call("POST", `/api/v1/cases/${id}/acts`, act, { "idempotency-key": `end-${id}` });
    }
  };
  // The bridge is away half of the time; what fails now is done the next time.
  const ending = setInterval(() => void endCases().catch(() => {}), END_CASES_EVERY_MS);
  signal.addEventListener("abort", () => clearInterval(ending));
}
