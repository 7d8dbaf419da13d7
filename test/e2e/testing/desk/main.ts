/** The desk on stdio, as a legacy server. */
import process from "node:process";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { Desk } from "./desk.ts";
import { legacyDesk } from "./legacy.ts";

await legacyDesk(new Desk()).connect(new StdioServerTransport());
process.stdin.on("end", () => process.exit(0));
