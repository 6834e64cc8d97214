import type { CaseView } from "../../cloud-bridge/api/schema/desk.ts";
import type { ApiClient } from "./api-client.ts";
import { type City, SITES } from "./city.ts";
import { pause } from "./crew-actor.ts";
import type { LinkProxy } from "./link-proxy.ts";

export interface Story {
  readonly admin: ApiClient;
  readonly city: City;
  readonly link: LinkProxy;
  readonly signal: AbortSignal;
  readonly say: (sentence: string) => void;
}

const FIRST_NOISE_MS = 5_000;
const LINK_DROPS_AT_MS = 45_000;
const LINK_BACK_AFTER_MS = 20_000;
const NEXT_NOISE_MS = 150_000;

/** The city goes on by itself until `signal` aborts: noise now here, now there, and once a link that drops. */
export async function keepLiving({ admin, city, link, signal, say }: Story): Promise<void> {
  void tellCases(admin, signal, say);
  void dropLink(link, signal, say);
  await pause(FIRST_NOISE_MS, signal);
  for (let turn = 0; ; turn += 1) {
    const site = SITES[turn % SITES.length];
    if (site !== undefined) {
      say(`${site.name}: concrete is being broken in the night`);
      city.beginNoise(site.node, Date.now());
    }
    await pause(NEXT_NOISE_MS, signal);
  }
}

/** One line a change of a case, as a radio log would have it. */
async function tellCases(admin: ApiClient, signal: AbortSignal, say: (sentence: string) => void): Promise<void> {
  const states = new Map<string, string>();
  await admin.events(signal, ({ name, data }) => {
    if (name !== "case") return;
    const { case: view } = data as { case: CaseView };
    if (states.get(view.id) === view.state) return;
    states.set(view.id, view.state);
    say(`case ${view.number} (${view.title}): ${view.state}`);
  });
}

/** The second site's link drops once and comes back; what it measured meanwhile arrives afterwards. */
export async function dropLink(
  link: LinkProxy,
  signal: AbortSignal,
  say: (sentence: string) => void,
  times: { readonly afterMs: number; readonly forMs: number } = {
    afterMs: LINK_DROPS_AT_MS,
    forMs: LINK_BACK_AFTER_MS,
  },
): Promise<void> {
  try {
    await pause(times.afterMs, signal);
    say("the link of the metro shaft drops");
    link.set("cut");
    await pause(times.forMs, signal);
    link.set("open");
    say("the link is back; what was measured meanwhile follows");
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
