import { Type } from "typebox";

const Name = (title: string, example: string) =>
  Type.String({ minLength: 1, maxLength: 63, title, default: "shao", examples: [example] });

const PostgresParts = Type.Object(
  {
    host: Type.String({
      pattern: "^(/[^\\0]{1,100}|[0-9A-Za-z.:-]{1,253})$",
      default: "127.0.0.1",
      title: "Server",
      description: "A name, an address, or the folder of a Unix socket. Off loopback the connection has TLS.",
      expected: "a host name, an address, or the folder of a Unix socket",
      examples: ["db.example"],
    }),
    port: Type.Integer({ minimum: 1, maximum: 65_535, default: 5432, title: "Port" }),
    database: Name("Database", "shao"),
    user: Name("User", "shao"),
    passwordFile: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 1024,
        title: "File with the password",
        examples: ["/etc/shao/db.password"],
      }),
    ),
    passwordEnv: Type.Optional(
      Type.String({
        pattern: "^[A-Za-z_][A-Za-z0-9_]{0,63}$",
        title: "Variable with the password",
        description: "Where neither is given, PGPASSWORD and ~/.pgpass are looked at.",
        expected: "the name of an environment variable",
        examples: ["SHAO_DB_PASSWORD"],
      }),
    ),
    caFile: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 1024,
        title: "CA of the server's certificate",
        description: "PEM; the system's authorities where left out.",
        examples: ["/etc/shao/db-ca.pem"],
      }),
    ),
    maxConnections: Type.Integer({
      minimum: 2,
      maximum: 100,
      default: 8,
      title: "Connections",
      description: "Of this process, besides two of its own.",
    }),
  },
  { title: "PostgreSQL", expected: "host, database, user …", examples: [{ host: "db.example", database: "shao" }] },
);

const PostgresUrl = Type.String({
  pattern: "^postgres(ql)?://([^:/@\\s]+@)?[^@/\\s?#]+/[^@/\\s?#]+$",
  expected: "postgres://user@host:port/database, without a password",
  examples: ["postgres://shao@127.0.0.1:5432/shao"],
});

/** Where the bridge keeps what it knows. */
export const StoreChoice = Type.Union(
  [
    Type.Literal("sqlite"),
    Type.Object(
      {
        postgres: Type.Union([PostgresUrl, PostgresParts], { title: "PostgreSQL", examples: [{ host: "127.0.0.1" }] }),
      },
      { title: "PostgreSQL" },
    ),
  ],
  {
    default: "sqlite",
    title: "Database",
    description: "`sqlite`: a file in the state folder. PostgreSQL 14 or newer: for several processes of one bridge.",
    expected: "sqlite, or postgres with a URL or its parts",
    examples: ["sqlite"],
  },
);
