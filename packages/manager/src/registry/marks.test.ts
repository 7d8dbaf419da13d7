import assert from "node:assert/strict";
import { kinds } from "./kinds.ts";
import { serverDraft } from "./testing/drafts.ts";
import { onEachStore } from "./testing/stores.ts";

onEachStore("a mark is kept under its word and name, and replaced by the next", async ({ registry }) => {
  const marks = registry.marks("configured");
  assert.equal(await marks.get("weather"), undefined);
  await marks.put("weather", "one");
  await marks.put("weather", "two");
  assert.equal(await marks.get("weather"), "two");
  assert.equal(await registry.marks("others").get("weather"), undefined);
});

onEachStore("a mark outlives the resource of its name and is none", async ({ registry }) => {
  const marks = registry.marks("configured");
  await registry.resources(kinds.Server).create(serverDraft("weather"));
  await marks.put("weather", "one");
  await registry.resources(kinds.Server).delete("weather");
  assert.equal(await marks.get("weather"), "one");
  assert.deepEqual((await registry.resources(kinds.Server).list()).items, []);
});

onEachStore("marks are listed by their names, and forgotten one by one", async ({ registry }) => {
  const marks = registry.marks("configured");
  await marks.put("weather", "one");
  await marks.put("news", "two");
  await registry.marks("others").put("third", "three");
  assert.deepEqual(
    await marks.all(),
    new Map([
      ["news", "two"],
      ["weather", "one"],
    ]),
  );
  await marks.delete("news");
  await marks.delete("news");
  assert.deepEqual(await marks.all(), new Map([["weather", "one"]]));
});
