import { apiPart } from "./bridge-api.ts";
import { dispatchedPart } from "./bridge-dispatched.ts";
import { nodesMtlsPart, nodesPart } from "./bridge-nodes.ts";
import type { CustodyPart } from "./custody-part.ts";
import { ingestRows } from "./ingest-rates.ts";
import { runParts } from "./parts.ts";

const PARTS: Readonly<Record<string, CustodyPart>> = {
  ingest: { what: "records/s to receipt on SQLite and PostgreSQL, beside bare loops", run: ingestRows },
  dispatched: dispatchedPart,
  nodes: nodesPart,
  "nodes-mtls": nodesMtlsPart,
  api: apiPart,
};

await runParts("bridge", PARTS);
