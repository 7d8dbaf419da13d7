/** Long runs of what the protocol room's own tests run briefly: its readers, and every edit the gateway makes to a message. */
import { test } from "node:test";
import fc from "fast-check";
import { documentText, valueText } from "../../packages/manager/src/protocol/testing/json-texts.ts";
import {
  arrivingBytes,
  messageText,
  requestText,
  responseText,
  resultText,
} from "../../packages/manager/src/protocol/testing/messages.ts";
import {
  assertRequestKeepsPayload,
  assertResponseKeepsPayload,
} from "../../packages/manager/src/protocol/testing/payload-property.ts";
import { assertFindsOnlyItsOwnId } from "../../packages/manager/src/protocol/testing/response-property.ts";
import { assertScansAsExpected } from "../../packages/manager/src/protocol/testing/scan-property.ts";
import {
  assertSplitsMakeNoDifference,
  cutPlaces,
  streamBytes,
} from "../../packages/manager/src/protocol/testing/sse-reference.ts";
import { fuzzRuns } from "./runs.ts";

test("the scanner agrees with JSON.parse on whatever arrives", () => {
  fc.assert(fc.property(arrivingBytes, assertScansAsExpected), { numRuns: fuzzRuns * 4 });
});

test("the scanner agrees with JSON.parse on messages cut anywhere", () => {
  const property = fc.property(messageText, (text) => {
    const bytes = Buffer.from(text);
    for (let length = 0; length < Math.min(bytes.length, 400); length++)
      assertScansAsExpected(bytes.subarray(0, length));
  });
  fc.assert(property, { numRuns: Math.ceil(fuzzRuns / 20) });
});

test("no id is found but a response's own", () => {
  const property = fc.property(fc.oneof(responseText, messageText), (text) =>
    assertFindsOnlyItsOwnId(Buffer.from(text)),
  );
  fc.assert(property, { numRuns: fuzzRuns });
});

test("requests keep their payload in every direction", () => {
  const property = fc.property(requestText, (text) => assertRequestKeepsPayload(Buffer.from(text)));
  fc.assert(property, { numRuns: fuzzRuns * 2 });
});

test("responses keep their payload in every direction", () => {
  const response = fc.oneof(
    responseText,
    fc.oneof(resultText, valueText).map((result) => `{"jsonrpc":"2.0","id":1,"result":${result}}`),
    documentText,
  );
  const property = fc.property(response, fc.constantFrom("tools/list", "tools/call"), (text, method) =>
    assertResponseKeepsPayload(Buffer.from(text), method),
  );
  fc.assert(property, { numRuns: fuzzRuns });
});

test("event streams say the same however they are cut", () => {
  fc.assert(fc.property(streamBytes, cutPlaces, assertSplitsMakeNoDifference), { numRuns: fuzzRuns * 4 });
});
