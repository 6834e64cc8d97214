import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import process from "node:process";
import { createServer as createTlsServer } from "node:tls";
import { Aedes } from "aedes";

/** aedes alone on a port: plain, or with the certificate and the CA whose paths are given. What any MQTT server in Node pays. */
const [port = "0", certFile, keyFile, caFile] = process.argv.slice(2);
const broker = await Aedes.createBroker();
const server =
  certFile === undefined || keyFile === undefined || caFile === undefined
    ? createServer(broker.handle)
    : createTlsServer(
        {
          ...{ cert: readFileSync(certFile), key: readFileSync(keyFile), ca: readFileSync(caFile) },
          ...{ requestCert: true, rejectUnauthorized: true, minVersion: "TLSv1.2" },
        },
        broker.handle,
      );
server.listen(Number(port), "127.0.0.1", () => process.stdout.write("listening\n"));
