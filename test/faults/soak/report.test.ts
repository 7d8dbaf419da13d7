/** What a soak is told and what it says: arguments, the name of an ending, its line of progress and its tables. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Ending } from "../testing/ledger.ts";
import { commandOf, optionsFrom } from "./options.ts";
import { heldText, progressLine, tableOf } from "./report.ts";
import { nameOf, Tally } from "./tally.ts";

test("a soak takes ten minutes and a seed of its own when it is told nothing, and its command repeats it", () => {
  const options = optionsFrom([], 7);
  assert.deepEqual(options, { minutes: 10, seed: 7, servers: 12 });
  const [, , , , ...again] = commandOf({ ...options, minutes: 2 }).split(" ");
  assert.deepEqual(optionsFrom(again, 0), { ...options, minutes: 2 });
});

for (const args of [
  ["--minutes", "0"],
  ["--minutes", "a"],
  ["--seed", "1.5"],
  ["--servers", ""],
  ["--sed", "1"],
]) {
  test(`${args.join(" ")} is refused by its name`, () => {
    assert.throws(() => optionsFrom(args, 0), new RegExp(args[0] ?? ""));
  });
}

function answered(message: object): Ending {
  return { kind: "answered", status: 200, text: "", responses: [{ id: 1, ...message }] };
}

const endings: readonly (readonly [Ending, string])[] = [
  [answered({ result: {} }), "result"],
  [answered({ result: { isError: true } }), "tool error"],
  [answered({ error: { code: 503, message: "", data: { code: "unavailable" } } }), "unavailable"],
  [answered({ error: { code: -32_603, message: "refused" } }), "error of the server"],
  [{ kind: "answered", status: 404, text: "", responses: [] }, "HTTP 404"],
  [{ kind: "cancelled" }, "cancelled"],
];
for (const [ending, name] of endings) {
  test(`a call that ended so is called "${name}"`, () => assert.equal(nameOf(ending), name));
}

test("a tally knows its sum and what there is most of", () => {
  const tally = new Tally();
  for (const name of ["a", "b", "b"]) tally.add(name);
  assert.deepEqual(
    [tally.total, tally.counts],
    [
      3,
      [
        ["b", 2],
        ["a", 1],
      ],
    ],
  );
});

test("progress is one line, also while there is no manager to look at", () => {
  const calls = [
    ["result", 90],
    ["closed", 10],
  ] as const;
  const held = { rssBytes: 104_857_600, descriptors: 80 };
  assert.equal(
    progressLine({ leftMs: 545_000, calls, faults: 3, held }),
    "9:05 left: 100 calls (90 result, 10 closed); 3 faults; rss 100 MiB, 80 descriptors",
  );
  assert.equal(
    progressLine({ leftMs: -1, calls: [], faults: 0, held: undefined }),
    "0:00 left: 0 calls; 0 faults; the manager is away",
  );
});

test("a table has a row for each name, in columns", () => {
  assert.equal(
    tableOf("calls", [
      ["result", 12],
      ["closed", 3],
    ]),
    "calls\n  result       12\n  closed        3",
  );
  assert.equal(tableOf("calls", []), "calls\n  none");
});

test("what is held is told against what was", () => {
  const before = { rssBytes: 104_857_600, descriptors: 80, processes: 20 };
  const after = { rssBytes: 109_051_904, descriptors: 81, processes: 20 };
  assert.equal(heldText(before, after), "rss 100 MiB before, 104 MiB after; descriptors 80, 81; processes 20, 20");
});
