import { signal } from "@preact/signals";
import type { Account, Role } from "../../../api/schema/common.ts";
import { call, ProblemError, whenSignedOut } from "../api/client.ts";
import { openEvents } from "../api/events.ts";

/** `undefined` until the bridge has said who we are; `null` when nobody is signed in. */
export const account = signal<Account | null | undefined>(undefined);
/** The bridge could not be asked who we are. */
export const sessionProblem = signal<ProblemError | undefined>(undefined);

const MARK = "shao.account";

export async function loadSession(): Promise<void> {
  try {
    account.value = await call<Account>("GET", "/session");
    sessionProblem.value = undefined;
    openEvents(false);
  } catch (error) {
    if (error instanceof ProblemError && error.problem.status === 401) account.value = null;
    else if (error instanceof ProblemError) sessionProblem.value = error;
    else throw error;
  }
}

function enter(next: Account): void {
  account.value = next;
  localStorage.setItem(MARK, `${next.id} ${Date.now()}`);
  openEvents(true);
}

export async function signIn(name: string, password: string): Promise<void> {
  enter(await call<Account>("POST", "/session", { body: { name, password } }));
}

export async function redeemWelcome(token: string, password: string): Promise<void> {
  enter(await call<Account>("POST", "/welcome", { body: { token, password } }));
}

export async function signOut(): Promise<void> {
  await call<void>("DELETE", "/session");
  localStorage.setItem(MARK, `- ${Date.now()}`);
  account.value = null;
}

whenSignedOut(() => {
  if (account.value) account.value = null;
});

// Tabs share one cookie: when another tab changes the account, what this one shows is no longer allowed to it.
addEventListener("storage", ({ key }) => {
  if (key === MARK) location.reload();
});

const MAY = {
  seeDesk: ["admin", "dispatcher", "supervisor", "viewer"],
  actOnCases: ["admin", "dispatcher", "supervisor"],
  seeNodes: ["admin", "operator", "dispatcher", "supervisor", "viewer"],
  addNodes: ["admin", "operator"],
  seeAudit: ["admin", "operator", "supervisor"],
  setUpUnits: ["admin", "operator"],
  setUpCrews: ["admin", "operator", "dispatcher"],
  seeMessages: ["admin", "operator", "dispatcher", "supervisor"],
  keepPermits: ["admin", "operator", "supervisor"],
  keepWork: ["admin", "operator", "dispatcher", "supervisor"],
  loadTables: ["admin"],
  seeAnalysis: ["admin", "operator", "dispatcher", "supervisor", "viewer"],
  beCrew: ["crew"],
} as const satisfies Record<string, readonly Role[]>;

/** What the pages offer; what is allowed is the bridge's word alone. */
export const may = (what: keyof typeof MAY): boolean => {
  const role = account.value?.role;
  return role !== undefined && (MAY[what] as readonly Role[]).includes(role);
};

export const homeOf = (role: Role): string => (role === "crew" ? "/crew" : role === "operator" ? "/nodes" : "/desk");
