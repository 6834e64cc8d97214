import { postgresMissing } from "../fakes/postgres-cluster.ts";
import { bridgeStoreContract } from "./bridge-store.ts";

bridgeStoreContract("sqlite", undefined);
bridgeStoreContract("postgres", postgresMissing());
