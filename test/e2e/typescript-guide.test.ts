/** What the pages about the TypeScript client show is what comes out when it is run. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { configOf } from "./testing/fixtures.ts";
import { compiled, root, startManager } from "./testing/manager.ts";

for (const page of ["packages/client/README.md", "docs/guides/typescript.md"]) {
  test(`the examples of ${page} print what it says`, async () => {
    await using manager = await startManager({ config: configOf({ weather: { mode: "plain" } }) });
    await manager.serversReady("weather");
    const { program, output } = partsOf(await readFile(join(root, page), "utf8"));
    const flags = ["--conditions=mcp-manager-source", "--input-type=module-typescript", "--eval"];
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [...flags, program.replaceAll("http://127.0.0.1:8080", manager.url)],
      { cwd: root, env: { ...compiled, ...process.env, MCP_MANAGER_API_KEY: manager.key } },
    );
    assert.equal(stdout, output);
  });
}

/** The examples as one program, and the blocks without a language, which are what it prints. */
function partsOf(page: string): { readonly program: string; readonly output: string } {
  const blocks = [...page.matchAll(/^```(\w*)\n([^]*?)^```$/gm)];
  const of = (language: string): string =>
    blocks.flatMap(([, name, text]) => (name === language ? [text] : [])).join("");
  return { program: of("ts"), output: of("") };
}
