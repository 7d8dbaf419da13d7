/** Where things are. */
import { fileURLToPath } from "node:url";

export const bench: string = fileURLToPath(new URL("..", import.meta.url)).replace(/\/$/, "");
export const root: string = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");
/** What the bench downloads or writes for a run; not kept in the repository. */
export const cache: string = `${root}/.cache/bench`;
