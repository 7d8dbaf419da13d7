import assert from "node:assert/strict";
import { test } from "node:test";
import { ManagerError } from "@mcp-manager/api";
import fc from "fast-check";
import { ManualClock } from "../base/clock.ts";
import type { Logger, LoggerOptions } from "./logger.ts";
import { createLogger } from "./logger.ts";

interface Bench {
  readonly logger: Logger;
  readonly lines: string[];
  readonly clock: ManualClock;
}

function bench(options: Partial<LoggerOptions> = {}): Bench {
  const lines: string[] = [];
  const clock = new ManualClock(0);
  const sink = { write: (text: string) => lines.push(text) };
  return { logger: createLogger({ sink, clock, redact: (text) => text, ...options }), lines, clock };
}

const parse = (line: string | undefined): Record<string, unknown> => JSON.parse(line ?? "") as Record<string, unknown>;

test("a JSON line holds time, level, message and fields, a child's fields included", () => {
  const { logger, lines } = bench();
  logger.child({ server: "weather", attempt: 1 }).warn("replica failed", { attempt: 2 });
  assert.equal(lines.length, 1);
  assert.deepEqual(parse(lines[0]), {
    at: "1970-01-01T00:00:00.000Z",
    level: "warn",
    message: "replica failed",
    server: "weather",
    attempt: 2,
  });
});

test("events below the level are not written", () => {
  const { logger, lines } = bench({ level: "warn" });
  logger.info("started");
  logger.debug("detail");
  logger.error("broken");
  assert.deepEqual(
    lines.map((line) => parse(line)["message"]),
    ["broken"],
  );
});

test("a field whose name announces a secret is hidden, nested ones too", () => {
  const { logger, lines } = bench();
  logger.info("request", { authorization: "Bearer x", apiKey: "k", deep: { list: [{ clientSecret: "s" }] }, port: 1 });
  const { authorization, apiKey, deep, port } = parse(lines[0]);
  assert.deepEqual(
    [authorization, apiKey, deep, port],
    ["(hidden)", "(hidden)", { list: [{ clientSecret: "(hidden)" }] }, 1],
  );
});

test("the whole line goes through the redactor", () => {
  const { logger, lines } = bench({ redact: (text) => text.replaceAll("hunter2", "***") });
  logger.info("said hunter2", { line: "hunter2!" });
  assert.deepEqual([parse(lines[0])["message"], parse(lines[0])["line"]], ["said ***", "***!"]);
});

test("errors show message, code and cause; a stack only when nobody expected them", () => {
  const { logger, lines } = bench();
  logger.error("expected", { error: new ManagerError("unavailable", "store is away", { cause: new Error("EOF") }) });
  logger.error("unexpected", { error: new TypeError("x is undefined") });
  const expected = parse(lines[0])["error"] as Record<string, unknown>;
  assert.deepEqual(
    [expected["message"], expected["code"], "stack" in expected],
    ["store is away", "unavailable", false],
  );
  assert.match(String((parse(lines[1])["error"] as Record<string, unknown>)["stack"]), /logger\.test\.ts/);
});

test("text lines are short, and what they quote cannot forge a line or drive a terminal", () => {
  const { logger, lines } = bench({ format: "text" });
  logger.info("replica ready", { server: "weather", note: "a b", evil: "x\n\u001b[2J" });
  assert.equal(lines[0], `00:00:00 info  replica ready server=weather note="a b" evil="x\\n\\u001b[2J"\n`);
});

test("colours are written only when asked for", () => {
  const plain = bench({ format: "text" });
  const coloured = bench({ format: "text", color: true });
  for (const { logger } of [plain, coloured]) logger.error("broken");
  assert.equal(plain.lines[0], "00:00:00 error broken\n");
  assert.ok(coloured.lines[0]?.includes("\u001b[31merror"));
});

test("an event that repeats is left out after 20 times, and counted when it may be said again", async () => {
  const { logger, lines, clock } = bench();
  for (let count = 0; count < 50; count += 1) logger.warn("retrying", { server: "a" });
  logger.warn("retrying", { server: "b" });
  assert.equal(lines.length, 21);
  await clock.advance(10_000);
  logger.warn("retrying", { server: "a" });
  assert.equal(parse(lines.at(-1))["dropped"], 30);
});

test("whatever is logged becomes one bounded line of JSON", () => {
  const property = fc.property(
    fc.string(),
    fc.dictionary(fc.string(), fc.anything({ withBigInt: true, withDate: true })),
    (message, fields) => {
      const { logger, lines } = bench();
      logger.info(message, fields);
      assert.equal(lines.length, 1);
      assert.match(lines[0] ?? "", /^[^\n]+\n$/);
      assert.equal(parse(lines[0])["message"], message);
    },
  );
  fc.assert(property, { numRuns: 300 });
  const { logger, lines } = bench();
  logger.info("large", { text: "x".repeat(100_000), list: Array.from({ length: 10_000 }, () => "y".repeat(1_000)) });
  assert.ok((lines[0]?.length ?? 0) < 50_000);
});
