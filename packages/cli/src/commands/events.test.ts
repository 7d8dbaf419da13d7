import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { type } from "../testing/terminal.ts";

const at = "2027-01-01T00:00:00.000Z";
const failed = {
  topic: "server.failed",
  at,
  revision: "5",
  server: "weather",
  message: "ready → failed: it said \u001b[2J",
  severity: "warning",
};
const stream = [
  "id: 4",
  `event: server.failed\nid: 5\ndata: ${JSON.stringify(failed)}`,
  'event: missed\ndata: {"count":3}',
  'event: reset\ndata: {"reason":"compacted"}',
  'event: snapshot\ndata: {"resource":{"metadata":{"name":"news"},"status":{"state":"ready"}}}',
  'event: synced\nid: 9\ndata: {"position":"9"}',
];

/** Runs the command against a manager that says all of the above; then Ctrl-C. */
async function run(words: string, columns?: number) {
  const interrupted = new AbortController();
  const paths: string[] = [];
  const server = createServer((request, response) => {
    paths.push(request.url ?? "");
    response.write(`${stream.join("\n\n")}\n\n`, () => setImmediate(() => setImmediate(() => response.destroy())));
    if (paths.length > 1) interrupted.abort();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const env = { MCP_MANAGER_API_KEY: "k" };
  const terminal = { env, signal: interrupted.signal, ...(columns === undefined ? {} : { columns }) };
  const ran = await type(`${words} --url ${url}`, terminal);
  server.closeAllConnections();
  server.close();
  return { ...ran, paths };
}

test("in a pipe each event is a plain line, and what is beside them goes to stderr", async () => {
  const { status, stdout, stderr, paths } = await run("events -t server.* --since 4");
  assert.equal(status, 0, "Ctrl-C is how it ends");
  const lines = stdout.split("\n");
  assert.equal(lines[0], `${at}  server.failed      weather  ready → failed: it said`);
  assert.equal(lines[1], "news: ready");
  assert.match(stderr, /^3 events came faster than they were read\nthere is no going on from there \(compacted\)/);
  assert.match(stderr, /connecting again/);
  assert.deepEqual(paths, ["/api/v1/events?topics=server.*&after=4", "/api/v1/events?topics=server.*&after=9"]);
});

test("in a terminal lines are coloured, with the time of day", async () => {
  const { stdout } = await run("events", 100);
  const shown = stdout.replaceAll("\u001b", "^").replace(/\d\d:\d\d:\d\d/, "TIME");
  assert.ok(shown.startsWith("^[2mTIME^[0m  ^[31mserver.failed"), shown);
});

test("with -o json each line is an object", async () => {
  const { stdout } = await run("events -o json --snapshot");
  const items = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { kind: string; position?: string });
  assert.deepEqual(
    items.slice(0, 6).map(({ kind, position }) => [kind, position]),
    [
      ["synced", "4"],
      ["event", "5"],
      ["missed", undefined],
      ["reset", undefined],
      ["snapshot", undefined],
      ["synced", "9"],
    ],
  );
});
