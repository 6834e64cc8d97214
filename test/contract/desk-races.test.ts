import { postgresMissing } from "../fakes/postgres-cluster.ts";
import { deskRacesContract } from "./desk-races.ts";

deskRacesContract("sqlite", undefined);
deskRacesContract("postgres", postgresMissing());
