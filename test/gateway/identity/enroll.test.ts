import { X509Certificate } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { type Authority, initAuthority, openAuthority } from "../../../cloud-bridge/fleet/authority.ts";
import { enroll } from "../../../gateway/identity/enroll.ts";
import { readIdentity, writeIdentity } from "../../../gateway/identity/identity-files.ts";

const SECRET = "s3cret-s3cret-s3cret-s3cret";
const folder = mkdtempSync(join(tmpdir(), "shao-enroll-"));
let authority: Authority;
let foreign: Authority;

beforeAll(async () => {
  for (const name of ["ours", "foreign"]) await initAuthority(join(folder, name), Date.now());
  authority = openAuthority(join(folder, "ours"));
  foreign = openAuthority(join(folder, "foreign"));
  return () => rmSync(folder, { recursive: true });
});

interface Seen {
  readonly bodies: string[];
}

/** The bridge's enrolment endpoint over its real CA. */
async function bridge(seen: Seen, answer: (csrPem: string) => Promise<[number, object]> = enrolled): Promise<number> {
  const server = createServer(await authority.serverTls(["127.0.0.1"], Date.now()), (call, response) => {
    let text = "";
    call.on("data", (part) => {
      text += part;
    });
    call.on("end", async () => {
      seen.bodies.push(text);
      const [status, body] = await answer(JSON.parse(text).csrPem);
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

async function enrolled(csrPem: string): Promise<[number, object]> {
  const { certificatePem } = await authority.issueNode("site-042", csrPem, Date.now());
  const { caPem, commandKeyPem } = authority;
  const body = { node: "site-042", bridge: "b1", certificatePem, caPem, commandKeyPem, mqttUrl: "mqtts://127.0.0.1:1" };
  return [200, body];
}

const tokenOf = ({ fingerprint }: Authority) => `${SECRET}.${fingerprint.slice(0, 32)}`;

describe("enrolment", () => {
  test("makes a key, gets a certificate for it, and keeps both under the state folder", async () => {
    const seen: Seen = { bodies: [] };
    const port = await bridge(seen);
    const identity = await enroll(`https://127.0.0.1:${port}`, tokenOf(authority));
    expect(new X509Certificate(identity.certificatePem).subject).toBe("CN=site-042");
    expect(seen.bodies.join()).not.toContain("PRIVATE");
    const state = join(folder, "state");
    writeIdentity(state, identity);
    writeIdentity(state, identity);
    expect(readIdentity(state)).toEqual(identity);
    expect(statSync(join(state, "identity", "node.key")).mode & 0o777).toBe(0o600);
    expect(readdirSync(state)).toEqual(["identity"]);
  });

  test("the key and certificate that came of it pass the bridge's mTLS", async () => {
    const port = await bridge({ bodies: [] });
    const { keyPem, certificatePem, caPem } = await enroll(`https://127.0.0.1:${port}`, tokenOf(authority));
    const tls = {
      ...(await authority.serverTls(["127.0.0.1"], Date.now())),
      requestCert: true,
      rejectUnauthorized: true,
    };
    const server = createServer(tls);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void server.close());
    const named = new Promise((resolve) =>
      server.once("secureConnection", (socket) => resolve(socket.getPeerX509Certificate()?.subject)),
    );
    const { port: tlsPort } = server.address() as { port: number };
    const socket = connect({ host: "127.0.0.1", port: tlsPort, key: keyPem, cert: certificatePem, ca: caPem });
    onTestFinished(() => void socket.destroy());
    expect(await named).toBe("CN=site-042");
  });

  test("says nothing to a server whose CA is not the one that the token names", async () => {
    const seen: Seen = { bodies: [] };
    const port = await bridge(seen);
    await expect(enroll(`https://127.0.0.1:${port}`, tokenOf(foreign))).rejects.toMatchObject({
      code: "ENROL_CA_MISMATCH",
    });
    expect(seen.bodies).toEqual([]);
  });

  test("hands on the bridge's refusal with its hint", async () => {
    const problem = {
      code: "ENROL_TOKEN_REFUSED",
      title: "refused",
      detail: "the token is used",
      hint: "make another",
    };
    const port = await bridge({ bodies: [] }, async () => [403, problem]);
    await expect(enroll(`https://127.0.0.1:${port}`, tokenOf(authority))).rejects.toMatchObject({
      code: "ENROL_REFUSED",
      message: expect.stringContaining("the token is used"),
      hint: "make another",
    });
  });

  test("a token of another form, an address without TLS and a closed port are told apart", async () => {
    await expect(enroll("https://127.0.0.1:1", "abc")).rejects.toMatchObject({ code: "ENROL_TOKEN_FORM" });
    await expect(enroll("http://127.0.0.1:1", tokenOf(authority))).rejects.toMatchObject({ code: "ENROL_URL" });
    await expect(enroll("https://127.0.0.1:1", tokenOf(authority))).rejects.toMatchObject({
      code: "ENROL_UNREACHABLE",
    });
  });
});
