/**
 * The manager as client of the official suite's test servers: a small client goes through it to each of them, and the suite judges
 * what arrives. The scenarios about OAuth are left out: a token is bound to the URL it is for, so no gateway can pass them on.
 */
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { type ManagerProcess, startManager } from "../e2e/testing/manager.ts";
import { assertContent, judgeClient } from "./suite.ts";

const program = fileURLToPath(new URL("./client/main.ts", import.meta.url));
const command = `${process.execPath} --conditions=mcp-manager-source ${program}`;

const required = {
  "2025-11-25": ["initialize", "tools_call", "elicitation-sep1034-client-defaults", "sse-retry"],
  "2026-07-28": [
    "tools_call",
    "request-metadata",
    "sep-2322-client-request-state",
    "http-standard-headers",
    "http-custom-headers",
    "http-invalid-tool-headers",
    "json-schema-ref-no-deref",
  ],
} as const;

describe("the manager as a client of the conformance suite", () => {
  let manager: ManagerProcess | undefined;

  before(async () => {
    manager = await startManager();
  });

  after(() => manager?.[Symbol.asyncDispose]());

  for (const requirements of ["2025-11-25", "2026-07-28"] as const) {
    for (const scenario of required[requirements]) {
      test(`${scenario} at ${requirements}`, async () => {
        const env = { CONFORMANCE_MANAGER_URL: manager?.url ?? "", CONFORMANCE_MANAGER_KEY: manager?.key ?? "" };
        assertContent(await judgeClient(command, scenario, requirements, env), 1);
      });
    }
  }
});
