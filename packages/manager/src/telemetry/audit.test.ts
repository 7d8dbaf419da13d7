import assert from "node:assert/strict";
import { appendFile, mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ManualClock } from "../base/clock.ts";
import type { AuditOptions } from "./audit.ts";
import { openAudit } from "./audit.ts";
import { silentLogger } from "./logger.ts";

async function folder(): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), "audit-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

function options(path: string, more: Partial<AuditOptions> = {}): AuditOptions {
  return { path: join(path, "audit", "audit.jsonl"), clock: new ManualClock(0), logger: silentLogger, ...more };
}

const entriesOf = async (path: string): Promise<Record<string, unknown>[]> =>
  (await readFile(path, "utf8"))
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Record<string, unknown>);

test("entries are lines of JSON in the order in which they were recorded, readable by the owner alone", async () => {
  await using dir = await folder();
  const given = options(dir.path);
  {
    await using audit = await openAudit(given);
    audit.record({ who: "admin", action: "applyServer", target: "servers/weather", outcome: "allowed" });
    audit.record({ action: "tools/call", outcome: "denied", reason: "unauthenticated" });
  }
  assert.deepEqual(await entriesOf(given.path), [
    {
      at: "1970-01-01T00:00:00.000Z",
      who: "admin",
      action: "applyServer",
      target: "servers/weather",
      outcome: "allowed",
    },
    { at: "1970-01-01T00:00:00.000Z", action: "tools/call", outcome: "denied", reason: "unauthenticated" },
  ]);
  assert.equal((await stat(given.path)).mode & 0o777, 0o600);
});

test("it goes on where it was, on a new line even after a crash cut one off", async () => {
  await using dir = await folder();
  const given = options(dir.path);
  for (const action of ["first", "second"]) {
    await using audit = await openAudit(given);
    audit.record({ action, outcome: "allowed" });
    await audit.flush();
    if (action === "first") await appendFile(given.path, '{"at":"19');
  }
  const lines = (await readFile(given.path, "utf8")).trimEnd().split("\n");
  assert.equal(lines.length, 3);
  assert.equal((JSON.parse(lines[2] ?? "") as { action: string }).action, "second");
});

test("full files move aside, and only so many are kept", async () => {
  await using dir = await folder();
  const given = options(dir.path, { fileBytesMax: 200, filesMax: 3 });
  {
    await using audit = await openAudit(given);
    for (let number = 0; number < 12; number += 1) {
      audit.record({ action: `action-${number}`, outcome: "allowed" });
      await audit.flush();
    }
  }
  assert.deepEqual((await readdir(join(dir.path, "audit"))).toSorted(), [
    "audit.1.jsonl",
    "audit.2.jsonl",
    "audit.jsonl",
  ]);
  const current = await entriesOf(given.path);
  const newest = await entriesOf(given.path.replace(".jsonl", ".1.jsonl"));
  assert.equal(current.at(-1)?.["action"], "action-11");
  assert.ok(current.length + newest.length >= 4);
  assert.ok((await stat(given.path)).size <= 200);
});

test("what does not fit while the disk is slow is counted in the file", async () => {
  await using dir = await folder();
  const line = JSON.stringify({ at: new Date(0).toISOString(), action: "burst", outcome: "allowed" }).length + 1;
  const given = options(dir.path, { waitingBytesMax: 10_000 * line });
  {
    await using audit = await openAudit(given);
    for (let number = 0; number < 10_025; number += 1) audit.record({ action: "burst", outcome: "allowed" });
  }
  const entries = await entriesOf(given.path);
  assert.equal(entries.filter((entry) => entry["action"] === "burst").length, 10_000);
  assert.deepEqual(
    entries.filter((entry) => entry["action"] === "audit").map((entry) => entry["reason"]),
    ["25 entries were lost"],
  );
});

test("a disk that refuses delays nobody: the loss is logged, and counted once writing works again", async () => {
  await using dir = await folder();
  const said: string[] = [];
  const logger = { ...silentLogger, error: (message: string) => void said.push(message) };
  const given = options(dir.path, { logger, fileBytesMax: 1 });
  await using audit = await openAudit(given);
  audit.record({ action: "one", outcome: "allowed" });
  await audit.flush();
  await rm(join(dir.path, "audit"), { recursive: true });
  audit.record({ action: "two", outcome: "allowed" });
  await audit.flush();
  assert.deepEqual(said, ["audit entries cannot be written"]);
  const { mkdir } = await import("node:fs/promises");
  await mkdir(join(dir.path, "audit"));
  audit.record({ action: "three", outcome: "allowed" });
  await audit.flush();
  assert.deepEqual(
    (await entriesOf(given.path)).map((entry) => entry["reason"] ?? entry["action"]),
    ["three", "1 entries were lost"],
  );
});
