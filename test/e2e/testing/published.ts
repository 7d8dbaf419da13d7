/** The published servers of the quick start, as its configuration has them. */
import { join } from "node:path";
import { root } from "./manager.ts";

export const quickstart: { readonly path: string } = { path: join(root, "examples/quickstart.yaml") };

export const publishedServers: readonly string[] = ["everything", "filesystem", "memory"];
