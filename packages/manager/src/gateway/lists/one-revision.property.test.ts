/** Whatever routes a server goes through: what a caller is shown and what it can call is of one revision. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Route } from "@mcp-manager/api";
import fc from "fast-check";
import type { Era } from "../../protocol/era.ts";
import { eras, TestGateway } from "../testing/gateway.ts";
import { type Answer, Peer } from "../testing/peer.ts";
import type { Script } from "../testing/scripted-connection.ts";

const toolNames = ["a", "b", "c"];
const revisions = ["weather-1", "weather-2", "weather-3"];
const people = ["ann", "bob", "cyd"];

/** What each revision offers: tools, prompts and resources of the same names. */
type Catalogues = Readonly<Record<string, readonly string[]>>;

/** Everybody may share its lists, so that what is kept of them is kept for all who see the same. */
function offering(revision: string, offered: readonly string[]): Script {
  const hints = { resultType: "complete", ttlMs: 60_000, cacheScope: "public" };
  return {
    "tools/list": (call) => call.result({ ...hints, tools: offered.map((name) => ({ name, inputSchema: {} })) }),
    "prompts/list": (call) => call.result({ ...hints, prompts: offered.map((name) => ({ name })) }),
    "resources/list": (call) =>
      call.result({ ...hints, resources: offered.map((name) => ({ uri: `x:${name}`, name })) }),
    "tools/call": (call) => call.result({ resultType: "complete", content: [], said: revision }),
  };
}

const catalogues: fc.Arbitrary<Catalogues> = fc
  .tuple(...revisions.map(() => fc.subarray(toolNames, { minLength: 1 })))
  .map((lists) => Object.fromEntries(revisions.map((revision, at) => [revision, lists[at] ?? []])));

/** The first revision is stable; the second comes next for so many percent, or drains, as the third does. */
interface Step {
  readonly order: readonly string[];
  readonly weight: number | null;
  readonly salt: string;
  /** Whether callers also call then, or only list. */
  readonly calls: boolean;
}

const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.record({
    order: fc.shuffledSubarray(revisions, { minLength: 2 }),
    weight: fc.option(fc.integer({ min: 0, max: 100 })),
    salt: fc.uuid(),
    calls: fc.boolean(),
  }),
  { minLength: 1, maxLength: 4 },
);

function routeOf({ order, weight, salt }: Step, offered: Catalogues): Route {
  const [stable = "", other = "", ...draining] = order;
  if (weight === null) return { stable, draining: [other, ...draining] };
  const differs = String(offered[stable]) !== String(offered[other]);
  return { stable, next: { revision: other, weight, salt, match: [], differs }, draining };
}

function names({ body }: Answer, member: string): string[] {
  const items = body?.result?.[member] as readonly { readonly name: string }[] | undefined;
  return (items ?? []).map(({ name }) => name.replace("weather__", ""));
}

/**
 * What a peer is shown, after all its lists, and its calls if it `calls`, were seen to be of one revision; undefined when its session is
 * over.
 */
async function shownTo(peer: Peer, era: Era, { path, calls }: Look, offered: Catalogues): Promise<string | undefined> {
  const listed = await peer[era]("tools/list");
  if (listed.status === 404) return undefined;
  const tools = names(listed, "tools");
  for (const member of ["prompts", "resources"]) {
    assert.deepEqual(names(await peer[era](`${member}/list`), member), tools);
  }
  const said = new Set<unknown>();
  for (const tool of calls ? toolNames : []) {
    const { body } = await peer[era]("tools/call", { name: path === "/mcp" ? `weather__${tool}` : tool });
    assert.equal(body?.error?.code, tools.includes(tool) ? undefined : -32602);
    if (body?.result !== undefined) said.add(body.result["said"]);
  }
  for (const revision of said) assert.deepEqual(offered[String(revision)], tools);
  assert.ok(said.size <= 1);
  return String(tools);
}

/** Where a peer looks, and whether it only lists. */
interface Look {
  readonly path: string;
  readonly calls: boolean;
}

test("lists of tools, prompts and resources, and the tools that can be called, are of one revision for each caller", async () => {
  const paths = fc.constantFrom("/mcp", "/servers/weather/mcp");
  await fc.assert(
    fc.asyncProperty(catalogues, steps, paths, async (offered, taken, path) => {
      await using gateway = await TestGateway.open();
      gateway.serve("weather", { era: "modern", script: offering("weather-1", offered["weather-1"] ?? []) });
      for (const revision of revisions.slice(1)) {
        const script = offering(revision, offered[revision] ?? []);
        gateway.attach("weather", { era: "modern", script }, `${revision}-a`, revision);
      }
      const callers = people.flatMap((who) => {
        gateway.principal(who, ["caller"]);
        return eras.map((era) => ({ era, peer: new Peer(gateway.url, { who, path }), seen: new Set<string>() }));
      });
      for (const [at, step] of taken.entries()) {
        gateway.route("weather", routeOf(step, offered));
        for (const { era, peer, seen } of callers) {
          if (era === "legacy" && at === 0) await peer.initialize();
          const shown = await shownTo(peer, era, { path, calls: step.calls }, offered);
          if (era === "modern") continue;
          if (shown === undefined) {
            seen.clear();
            await peer.initialize();
          } else
            assert.equal(seen.add(shown).size, 1, "a session that does not listen is shown one revision to its end");
        }
      }
    }),
    { numRuns: 25 },
  );
});
