/** What the package shows to others, by name. */
export { explainManager, runManager } from "./main.ts";
export type { RunOptions } from "./main.ts";
