import { ingestRows } from "./ingest-rates.ts";
import { report } from "./report.ts";

report(await ingestRows());
