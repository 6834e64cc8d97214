import { Type } from "typebox";

const BrokerUrl = (title: string, description: string, example: string) =>
  Type.String({
    pattern: "^mqtts?://(\\[[0-9A-Fa-f:]+\\]|[0-9A-Za-z.-]{1,253})(:[0-9]{1,5})?$",
    title,
    description,
    expected: "mqtts://host:port",
    examples: [example],
  });

const Path = (title: string, description: string, example: string) =>
  Type.Optional(Type.String({ minLength: 1, maxLength: 1024, title, description, examples: [example] }));

/** What stands between the nodes and the bridge. */
export const BrokerChoice = Type.Union(
  [
    Type.Literal("embedded"),
    Type.Object(
      {
        external: Type.Object(
          {
            url: BrokerUrl(
              "Its listener for bridges",
              "MQTT 5. `shao bridge broker-config` writes what Mosquitto needs for it.",
              "mqtts://127.0.0.1:8884",
            ),
            nodesUrl: Type.Optional(
              BrokerUrl(
                "Its listener for nodes, as they reach it",
                "What an enrolment tells them; `listen.publicHost` and `listen.mqtt` where left out.",
                "mqtts://mqtt.example:8883",
              ),
            ),
            caFile: Path(
              "CA of the broker's certificate",
              "PEM; the bridge's own CA where left out.",
              "/etc/shao/mqtt-ca.pem",
            ),
            certFile: Path(
              "Certificate that the bridge shows",
              "PEM; one that the bridge makes itself where left out.",
              "/etc/shao/mqtt.pem",
            ),
            keyFile: Path("and its key", "PEM.", "/etc/shao/mqtt.key"),
            folder: Path(
              "Folder of the broker's own files",
              "`shao bridge broker-config` writes them there, the bridge keeps the list of revoked certificates up to date; `broker` in the state folder where left out.",
              "/etc/mosquitto/shao",
            ),
            pidFile: Path(
              "Where the broker keeps its process id",
              "It is sent SIGHUP when a certificate is revoked, so that it reads the list anew.",
              "/run/mosquitto/mosquitto.pid",
            ),
          },
          { title: "External broker", examples: [{ url: "mqtts://127.0.0.1:8884" }] },
        ),
      },
      { title: "External broker" },
    ),
  ],
  {
    default: "embedded",
    title: "Broker",
    description: "`embedded`: inside this process. Another one must speak MQTT 5, and keeps nothing that matters.",
    expected: "embedded, or external with its URL",
    examples: ["embedded"],
  },
);
