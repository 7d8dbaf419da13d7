/** A server from a registry, up to its first call: described there, answered here, its secret in its environment and in no answer. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { cli } from "./testing/cli.ts";
import { sourceOf } from "./testing/fixtures.ts";
import { startManager } from "./testing/manager.ts";

const description = {
  name: "io.example/weather",
  description: "Weather",
  version: "1.0.0",
  packages: [
    {
      registryType: "npm",
      identifier: "@acme/weather",
      version: "1.0.0",
      transport: { type: "stdio" },
      packageArguments: [{ type: "positional", valueHint: "mode", isRequired: true }],
      environmentVariables: [{ name: "TOKEN", isRequired: true, isSecret: true }],
    },
  ],
};

test("a server of a registry is registered, gets its secret, and answers", async () => {
  const folder = await mkdtemp(join(tmpdir(), "mcp-manager-registry-"));
  const { args = [], command } = sourceOf("plain") as { readonly command: string; readonly args?: readonly string[] };
  // In the place of the real one, which would fetch the package: it takes its arguments and shows what it was given.
  const seen = join(folder, "seen");
  const script = `#!/bin/sh\necho "$* $TOKEN" > '${seen}'\nexec '${command}' '${args[0] ?? ""}' "$3"\n`;
  await writeFile(join(folder, "npx"), script);
  await chmod(join(folder, "npx"), 0o755);
  const registry = createServer((_request, response) => response.end(JSON.stringify({ server: description })));
  registry.listen(0, "127.0.0.1");
  await once(registry, "listening");
  const url = `http://127.0.0.1:${(registry.address() as AddressInfo).port}`;
  {
    await using manager = await startManager({ env: { PATH: `${folder}:${process.env["PATH"] ?? ""}` } });
    const options = `--registry ${url} --set mode=plain --set TOKEN=hunter2`;
    const added = await cli(manager, `registry add io.example/weather ${options}`);
    assert.equal(added.status, 0, added.stderr);
    assert.match(added.stdout, /^server weather is ready \(1\/1 replicas, 4 tools\)/);
    assert.equal(await readFile(seen, "utf8"), "-y @acme/weather@1.0.0 plain hunter2\n");
    const server = await manager.client.servers.get("weather");
    assert.ok(
      JSON.stringify(server).includes("${secret:weather-token}") && !JSON.stringify(server).includes("hunter2"),
    );
    const again = await cli(manager, `registry add io.example/weather ${options}`);
    assert.deepEqual([again.status, again.stdout], [1, ""]);
  }
  registry.close();
  await rm(folder, { recursive: true });
});
