import { postgresMissing } from "../fakes/postgres-cluster.ts";
import { deskTimersContract } from "./desk-timers.ts";

deskTimersContract("sqlite", undefined);
deskTimersContract("postgres", postgresMissing());
