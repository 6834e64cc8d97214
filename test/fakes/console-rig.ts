import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { build } from "vite";
import { checkBridgeConfig } from "../../cloud-bridge/config.ts";
import { openAuthority } from "../../cloud-bridge/fleet/authority.ts";
import { offerToken } from "../../cloud-bridge/fleet/enrolment.ts";
import { type RunningBridge, startBridge } from "../../cloud-bridge/main.ts";
import { type AccountRole, addAccount } from "../../cloud-bridge/roster/accounts.ts";
import { silentLogger } from "../../cloud-bridge/store/logger.ts";
import { enroll } from "../../gateway/identity/enroll.ts";
import type { NodeIdentity } from "../../gateway/identity/identity-files.ts";
import { PaperNode, type PaperSite } from "./paper-node.ts";

export const CHROMIUM = "/usr/bin/chromium";
const PASSWORD = "a long enough password";
/** `--ignore-certificate-errors`: the bridge's own CA; Playwright's own switch for that does not reach SharedWorkers. */
export const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--ignore-certificate-errors",
];

export interface Person {
  readonly context: BrowserContext;
  readonly page: Page;
  /** What the browser complained of, and requests that left the bridge: both must stay empty. */
  readonly complaints: string[];
}

export interface PersonOptions {
  readonly crewId?: string;
  readonly locale?: string;
  readonly colorScheme?: "light" | "dark";
  readonly viewport?: { readonly width: number; readonly height: number };
  readonly geolocation?: { readonly latitude: number; readonly longitude: number };
}

/** The real bridge over TLS with the built pages, and a real browser in front of it. */
export class ConsoleRig {
  readonly #folder: string;
  readonly #browser: Browser;
  #ports = { mqtt: 0, http: 0 };
  bridge: RunningBridge;

  static async start(): Promise<ConsoleRig> {
    const folder = mkdtempSync(join(tmpdir(), "shao-console-"));
    await build({
      configFile: join(import.meta.dirname, "../../cloud-bridge/console/vite.config.ts"),
      logLevel: "error",
      build: { outDir: join(folder, "dist") },
    });
    const bridge = await openBridge(folder, { mqtt: 0, http: 0 });
    const browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
    return new ConsoleRig(folder, bridge, browser);
  }

  private constructor(folder: string, bridge: RunningBridge, browser: Browser) {
    this.#folder = folder;
    this.#browser = browser;
    this.bridge = bridge;
  }

  /** Where the bridge keeps what is not in its database. */
  get state(): string {
    return join(this.#folder, "state");
  }

  get dist(): string {
    return join(this.#folder, "dist");
  }

  async restartBridge(): Promise<void> {
    this.#ports = { mqtt: this.bridge.mqttPort, http: this.bridge.httpPort };
    await this.bridge.close();
    this.bridge = await openBridge(this.#folder, this.#ports);
  }

  async node(id: string, site: PaperSite): Promise<PaperNode> {
    const node = new PaperNode(await this.identity(id));
    await node.connect();
    await node.introduce(site);
    return node;
  }

  /** Of a node that is enrolled now. */
  async identity(id: string): Promise<NodeIdentity> {
    const { fingerprint } = openAuthority(join(this.#folder, "state"));
    const offer = { node: id, createdBy: "test", fingerprint, nowMs: Date.now() };
    const { token } = await offerToken(this.bridge.store.db, offer);
    return enroll(this.bridge.url, token);
  }

  async link(name: string, role: AccountRole, crewId?: string): Promise<string> {
    const account = { name, role, ...(crewId === undefined ? {} : { crewId }) };
    const { token } = await addAccount(this.bridge.store.db, account, Date.now());
    return `${this.bridge.url}/welcome#${token}`;
  }

  /** Somebody with a browser of their own. */
  async visitor(options: PersonOptions = {}): Promise<Person> {
    const { viewport = { width: 1440, height: 900 }, locale = "en-GB", colorScheme = "dark", geolocation } = options;
    const context = await this.#browser.newContext({
      ignoreHTTPSErrors: true,
      viewport,
      locale,
      colorScheme,
      timezoneId: "Asia/Shanghai",
      deviceScaleFactor: viewport.width < 500 ? 2 : 1,
      ...(geolocation === undefined ? {} : { geolocation, permissions: ["geolocation"] }),
    });
    const page = await context.newPage();
    page.setDefaultTimeout(10_000);
    const complaints: string[] = [];
    page.on("pageerror", (error) => complaints.push(`page error: ${error.message}`));
    page.on("console", (message) => {
      const isLoud = message.type() === "error" || message.type() === "warning";
      if (isLoud && !/Failed to load resource/.test(message.text())) complaints.push(message.text());
    });
    page.on("request", (request) => {
      if (!request.url().startsWith(this.bridge.url)) complaints.push(`left the bridge: ${request.url()}`);
    });
    return { context, page, complaints };
  }

  /** Somebody who came by a one-time link and is signed in. */
  async person(name: string, role: AccountRole, options: PersonOptions = {}): Promise<Person> {
    const person = await this.visitor(options);
    await person.page.goto(await this.link(name, role, options.crewId));
    await setPassword(person.page);
    await person.page.waitForSelector("main, .crew");
    await person.page.waitForSelector(".pill.is-good");
    return person;
  }

  async close(): Promise<void> {
    await this.#browser.close();
    await this.bridge.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

export async function setPassword(page: Page): Promise<void> {
  const fields = page.locator("input[type=password]");
  await fields.nth(0).fill(PASSWORD);
  await fields.nth(1).fill(PASSWORD);
  await page.locator("button[type=submit]").click();
  await page.waitForURL((url) => url.pathname !== "/welcome");
}

async function openBridge(folder: string, ports: { mqtt: number; http: number }): Promise<RunningBridge> {
  const text = [
    `listen: { host: 127.0.0.1, mqtt: ${ports.mqtt}, http: ${ports.http} }`,
    `state: ${join(folder, "state")}`,
    "timeZone: Asia/Shanghai",
    "dispatch: { policy: propose }",
  ].join("\n");
  const checked = checkBridgeConfig(Buffer.from(text));
  if (!checked.ok) throw new Error(JSON.stringify(checked.faults));
  return startBridge({
    config: checked.config,
    log: silentLogger,
    initialise: true,
    consoleFolder: join(folder, "dist"),
  });
}
