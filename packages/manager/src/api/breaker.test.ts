import assert from "node:assert/strict";
import { test } from "node:test";
import type { Problem } from "@mcp-manager/api";
import { kinds } from "../registry/kinds.ts";
import type { Door } from "./testing.ts";
import { openDoor } from "./testing.ts";

const path = "/api/v1/servers/weather/breaker";

async function withWeather(): Promise<Door> {
  const door = await openDoor();
  const json = { spec: { source: { kind: "process", command: "npx", args: ["weather"] } } };
  await door.ask("/api/v1/servers/weather", { method: "PUT", json });
  return door;
}

async function decide(door: Door, json: object, role: "admin" | "operator" | "viewer" = "operator"): Promise<Response> {
  return await door.ask(path, { method: "POST", json, role });
}

test("a decision is kept with who made it, why and when, and the answer is the Server", async () => {
  await using door = await withWeather();
  const answer = await decide(door, { state: "open", reason: " the provider asked for silence " });
  const server = (await answer.json()) as { kind: string };
  assert.deepEqual([answer.status, server.kind], [200, "Server"]);
  const { spec } = await door.registry.resources(kinds.Override).require("weather");
  const { at, ...rest } = spec;
  assert.deepEqual(rest, {
    server: "weather",
    breaker: "open",
    reason: "the provider asked for silence",
    by: "key:operator",
  });
  assert.ok(Math.abs(Date.parse(at) - Date.now()) < 60_000);
});

test("the last decision counts, and auto takes it back, also when there is none", async () => {
  await using door = await withWeather();
  const overrides = door.registry.resources(kinds.Override);
  await decide(door, { state: "open", reason: "one" });
  await decide(door, { state: "closed", reason: "two" }, "admin");
  const { spec } = await overrides.require("weather");
  assert.deepEqual([spec.breaker, spec.reason, spec.by], ["closed", "two", "key:admin"]);
  for (const body of [{ state: "auto" }, { state: "auto", reason: "all is well again" }]) {
    assert.equal((await decide(door, body)).status, 200);
    assert.equal(await overrides.get("weather"), undefined);
  }
});

test("when the answer comes this instance has heard of the decision", async () => {
  await using door = await withWeather();
  const heard: string[] = [];
  const informer = door.registry.informer(kinds.Override);
  informer.onChange((_, override) => heard.push(override?.spec.breaker ?? "auto"));
  informer.start();
  await informer.synced;
  for (const state of ["open", "closed", "auto"]) {
    await decide(door, { state, reason: "to see" });
    assert.equal(heard.at(-1), state);
  }
  await informer[Symbol.asyncDispose]();
});

test("a decision needs a reason that can be read, and a state that there is", async () => {
  await using door = await withWeather();
  const wrong = async (json: object): Promise<string> => {
    const answer = await decide(door, json);
    assert.equal(answer.status, 400);
    return ((await answer.json()) as Problem).detail;
  };
  assert.equal(await wrong({ state: "open" }), "breaker: 1 field is wrong: reason: given nothing, expected text");
  const rule = "expected a text of 1 to 500 characters";
  assert.ok((await wrong({ state: "closed", reason: "  " })).endsWith(rule));
  assert.ok((await wrong({ state: "open", reason: "x".repeat(501) })).endsWith(rule));
  assert.equal(
    await wrong({ state: "half-open", reason: "x" }),
    'breaker: 1 field is wrong: state: given "half-open", expected one of open, closed, auto',
  );
  assert.equal(await door.registry.resources(kinds.Override).get("weather"), undefined);
});

test("only who may write servers decides, and only about a server that is there to stay", async () => {
  await using door = await withWeather();
  const body = { state: "open", reason: "x" };
  assert.equal((await decide(door, body, "viewer")).status, 403);
  const unknown = await door.ask("/api/v1/servers/other/breaker", { method: "POST", json: body });
  assert.equal(unknown.status, 404);
  await door.ask("/api/v1/servers/weather", { method: "DELETE" });
  const late = await decide(door, body);
  const problem = (await late.json()) as Problem;
  assert.deepEqual([late.status, problem.code], [409, "failed_precondition"]);
});
