import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Envelope, scanEnvelope } from "./envelope.ts";
import {
  inputRequiredResult,
  readInputRequired,
  readInputResponses,
  retryEdit,
  stateRemoval,
  withRequestState,
} from "./input-required.ts";
import { splice } from "./splice.ts";

function response(result: unknown): Buffer {
  return Buffer.from(JSON.stringify({ jsonrpc: "2.0", id: 1, result }));
}

function request(params: string): Envelope {
  const scan = scanEnvelope(Buffer.from(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":${params}}`));
  assert.ok(scan.ok);
  return scan.envelope;
}

const asks = { resultType: "input_required", inputRequests: { a: { method: "roots/list" } } };

test("what a result asks is read as it was written", () => {
  const params = '{"message":"é","n":1.50}';
  const text = `{"jsonrpc":"2.0","id":1,"result":{"resultType":"input_required","inputRequests":{"k\\n":{"method":"elicitation/create","params":${params},"x":1}},"requestState":"s\\u0041"}}`;
  const read = readInputRequired(Buffer.from(text));
  assert.equal(read?.state?.toString(), '"s\\u0041"');
  assert.deepEqual(
    read.requests.map(({ key, method, params: given }) => [key, method, given?.toString()]),
    [["k\n", "elicitation/create", params]],
  );
});

test("what is no such result, asks nothing, or could be read in two ways, is none", () => {
  const twice = '{"resultType":"input_required","requestState":"a","requestState":"b"}';
  const cases = [
    response({ resultType: "complete" }),
    response({ resultType: "input_required" }),
    response({ resultType: "input_required", inputRequests: {} }),
    response({ resultType: "input_required", inputRequests: [] }),
    response({ resultType: "input_required", requestState: 1 }),
    response({ ...asks, inputRequests: { a: {} } }),
    response({ ...asks, inputRequests: { a: { method: 1 } } }),
    response({ ...asks, inputRequests: { a: { method: "roots/list", params: [] } } }),
    Buffer.from(`{"jsonrpc":"2.0","id":1,"result":${twice}}`),
    response({
      ...asks,
      inputRequests: Object.fromEntries(Array.from({ length: 65 }, (_, i) => [i, asks.inputRequests.a])),
    }),
  ];
  for (const each of cases) assert.equal(readInputRequired(each), undefined, each.toString());
});

test("a state is put in the place of the server's, or added", () => {
  const replaced = JSON.parse(
    withRequestState(response({ ...asks, requestState: "own" }), 'se"aled').toString(),
  ) as unknown;
  assert.deepEqual(replaced, { jsonrpc: "2.0", id: 1, result: { ...asks, requestState: 'se"aled' } });
  const added = JSON.parse(withRequestState(response(asks), "sealed").toString()) as { result: object };
  assert.deepEqual(added.result, { ...asks, requestState: "sealed" });
});

test("a result of the manager's own reads back", () => {
  const requests = [
    { key: 'k"', method: "elicitation/create", params: Buffer.from('{"message":"m"}') },
    { key: "r", method: "roots/list", params: undefined },
  ];
  const read = readInputRequired(inputRequiredResult(Buffer.from('"id"'), requests, "s"));
  assert.deepEqual(read?.requests, requests);
  assert.equal(read?.state?.toString(), '"s"');
});

test("answers that are no objects answer nothing", () => {
  const answers = readInputResponses(request('{"inputResponses":{"a":{"x":1},"b":7,"c":null,"d":[1],"e":{}}}'));
  assert.deepEqual(
    [...answers].map(([key, value]) => [key, value.toString()]),
    [
      ["a", '{"x":1}'],
      ["e", "{}"],
    ],
  );
  for (const odd of ["null", "7", "[]"]) assert.equal(readInputResponses(request(`{"inputResponses":${odd}}`)).size, 0);
});

test("G12 a retry has the answers and the state as they were written, whatever is in the request", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.json()), fc.dictionary(fc.string(), fc.json()), (params, given) => {
      delete params["inputResponses"];
      delete params["requestState"];
      const members = Object.entries(params).map(([key, value]) => `${JSON.stringify(key)}:${value}`);
      const scan = scanEnvelope(Buffer.from(`{"jsonrpc":"2.0","id":1,"method":"x","params":{${members.join(",")}}}`));
      fc.pre(scan.ok);
      const answers = new Map(Object.entries(given).map(([key, value]) => [key, Buffer.from(value)]));
      const edit = retryEdit(scan.envelope, answers, Buffer.from('"st"'));
      const retried = JSON.parse(splice(scan.envelope.bytes, [edit]).toString()) as { params: Record<string, unknown> };
      assert.equal(retried.params["requestState"], "st");
      const told = Object.entries((retried.params["inputResponses"] as object | undefined) ?? {});
      assert.deepEqual(new Map(told), new Map([...answers].map(([key, value]) => [key, JSON.parse(value.toString())])));
    }),
  );
});

test("the state is taken out of a request with one comma, wherever it stands", () => {
  for (const [params, left] of [
    ['{"requestState":"s"}', "{}"],
    ['{"requestState":"s", "b":1}', '{"b":1}'],
    ['{"a":1, "requestState":"s"}', '{"a":1}'],
    ['{"a":1,"requestState":"s","b":2}', '{"a":1,"b":2}'],
  ] as const) {
    const envelope = request(params);
    const text = splice(envelope.bytes, stateRemoval(envelope)).toString();
    assert.deepEqual(JSON.parse(text), JSON.parse(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":${left}}`));
  }
});
