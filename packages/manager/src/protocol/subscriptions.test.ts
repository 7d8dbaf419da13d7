/** Filters as clients write them, and notifications of change as each client is to read them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { scanEnvelope } from "./envelope.ts";
import {
  acknowledgement,
  listChanged,
  listenRequest,
  listenResult,
  parseAcknowledged,
  parseFilter,
  ResourceUpdate,
} from "./subscriptions.ts";

const idKey = "io.modelcontextprotocol/subscriptionId";
const params = (notifications: unknown): Buffer => Buffer.from(JSON.stringify({ _meta: {}, notifications }));
const decoded = (message: Buffer): unknown => JSON.parse(message.toString());

test("a filter is what it asks for; what is not known here is read over, repetitions are one", () => {
  const filter = {
    toolsListChanged: true,
    promptsListChanged: false,
    taskIds: 7,
    resourceSubscriptions: ["a:b", "a:b"],
  };
  assert.deepEqual(parseFilter(params(filter)), { lists: ["tools"], uris: ["a:b"] });
  assert.deepEqual(parseFilter(params({})), { lists: [], uris: [] });
});

test("a malformed filter is refused in words that name the member", () => {
  const wrong: [unknown, RegExp][] = [
    [undefined, /params\.notifications must/],
    [[], /params\.notifications must/],
    [{ promptsListChanged: 1 }, /promptsListChanged must/],
    [{ resourceSubscriptions: "a:b" }, /resourceSubscriptions must/],
    [{ resourceSubscriptions: [1] }, /resourceSubscriptions must/],
    [{ resourceSubscriptions: [`a:${"b".repeat(2_047)}`] }, /at most 2048/],
    [{ resourceSubscriptions: Array.from({ length: 1_001 }, (_, i) => `a:${i}`) }, /more than 1000/],
  ];
  for (const [notifications, message] of wrong) {
    const parsed = parseFilter(params(notifications));
    assert.ok(typeof parsed === "string", JSON.stringify(notifications));
    assert.match(parsed, message);
  }
  assert.equal(typeof parseFilter(undefined), "string");
});

test("G15 every message of a stream carries the id of its request as it was written", () => {
  for (const id of ['"1"', "1", '"\\u0031"', "9007199254740993"]) {
    const messages = [
      acknowledgement(Buffer.from(id), { lists: ["tools"], uris: ["a:b"] }),
      listChanged("prompts", Buffer.from(id)),
      ResourceUpdate.read(updated('"a:b"'))?.as("a:b", Buffer.from(id)) ?? Buffer.alloc(0),
    ];
    for (const message of messages) {
      const scan = scanEnvelope(message);
      assert.ok(scan.ok, message.toString());
      assert.equal(scan.envelope.raw("subscriptionId")?.toString(), id);
    }
    assert.equal(
      listenResult(Buffer.from(id)).toString(),
      `{"jsonrpc":"2.0","id":${id},"result":{"resultType":"complete","_meta":{"${idKey}":${id}}}}`,
    );
  }
});

test("an acknowledgement is read as it was written; a malformed one acknowledges nothing", () => {
  const filter = { lists: ["tools", "resources"], uris: ["a:b"] } as const;
  assert.deepEqual(parseAcknowledged(acknowledgement(Buffer.from("1"), filter)), filter);
  assert.deepEqual(parseAcknowledged(Buffer.from('{"params":{"notifications":[1]}}')), { lists: [], uris: [] });
});

test("the manager's own request says what it wants under its id", () => {
  const { bytes, idStart, idEnd } = listenRequest(12, { lists: ["tools"], uris: [] });
  assert.equal(bytes.toString("utf8", idStart, idEnd), "12");
  const scan = scanEnvelope(bytes);
  assert.ok(scan.ok && scan.envelope.method === "subscriptions/listen" && scan.envelope.has("protocolVersion"));
  assert.deepEqual(parseFilter(scan.envelope.raw("params")), { lists: ["tools"], uris: [] });
});

function updated(uri: string, meta?: string): Buffer {
  const rest = meta === undefined ? "" : `, "_meta": ${meta}`;
  return Buffer.from(
    `{"jsonrpc":"2.0", "method":"notifications/resources/updated", "params":{"x":1.50, "uri": ${uri}${rest}}}`,
  );
}

test("an update reaches a client with its own URI and id, and is otherwise as the server wrote it", () => {
  const id = Buffer.from('"s"');
  const cases: [Buffer, string | undefined, string][] = [
    [updated('"a:b"'), undefined, updated('"p+a:b"').toString()],
    [updated('"a:b"', `{"${idKey}":7}`), undefined, updated('"p+a:b"', "{}").toString()],
    [updated('"a:b"', `{"k":1,"${idKey}":7}`), undefined, updated('"p+a:b"', '{"k":1}').toString()],
    [updated('"a:b"', `{"k":1,"${idKey}":7}`), "id", updated('"p+a:b"', `{"k":1,"${idKey}":"s"}`).toString()],
    [updated('"a:b"', '{"k":1}'), "id", updated('"p+a:b"', `{"${idKey}":"s","k":1}`).toString()],
    [updated('"a:b"', "null"), "id", updated('"p+a:b"', `{"${idKey}":"s"}`).toString()],
  ];
  for (const [message, with_, expected] of cases) {
    assert.equal(
      ResourceUpdate.read(message)
        ?.as("p+a:b", with_ === undefined ? undefined : id)
        .toString(),
      expected,
    );
  }
  const untouched = updated('"a:\\u0062"');
  assert.equal(ResourceUpdate.read(untouched)?.as("a:b"), untouched);
});

test("an update of no URI, or of two, is no update", () => {
  assert.equal(ResourceUpdate.read(updated("1")), undefined);
  assert.equal(ResourceUpdate.read(updated('"a:b","\\u0075ri":"c:d"')), undefined);
  assert.equal(ResourceUpdate.read(Buffer.from('{"params":')), undefined);
});

test("whatever the URI, the client reads the one it knows", () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.option(fc.jsonValue()), (uri, shown, meta) => {
      const message = updated(JSON.stringify(uri), meta === null ? undefined : JSON.stringify(meta));
      const told = decoded(ResourceUpdate.read(message)?.as(shown, Buffer.from("5")) ?? Buffer.from("0"));
      const { params: said } = told as { params: { uri: string; _meta: Record<string, unknown> } };
      assert.equal(said.uri, shown);
      assert.equal(said._meta[idKey], 5);
    }),
  );
});
