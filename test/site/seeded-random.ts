export { seededRandom } from "../../cli/sim/seeded-random.ts";
