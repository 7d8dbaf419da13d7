/** What the package shows to others, by name. */
export { runManager } from "./main.ts";
export type { RunOptions } from "./main.ts";
