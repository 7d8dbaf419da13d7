import assert from "node:assert/strict";
import { test } from "node:test";
import { type Envelope, scanEnvelope } from "../../protocol/envelope.ts";
import { type Asker, Questions } from "./questions.ts";

function response(id: unknown): Envelope {
  const scan = scanEnvelope(Buffer.from(JSON.stringify({ jsonrpc: "2.0", id, result: {} })));
  assert.ok(scan.ok);
  return scan.envelope;
}

/** Notes what it hears. */
class Listener implements Asker {
  readonly heard: number[] = [];
  progressed = 0;
  onAnswer(id: number): void {
    this.heard.push(id);
  }
  onProgress(): void {
    this.progressed++;
  }
}

test("an answer finds its question once; late ones and those of no question are told apart", () => {
  const questions = new Questions(100);
  const asker = new Listener();
  assert.equal(questions.add(asker), 100);
  assert.equal(questions.add(asker), 101);
  questions.drop(101);
  assert.deepEqual(
    [100, 100, 101, 102, 99, "100", 1e15].map((id) => questions.answer(response(id))),
    ["taken", "late", "late", "unknown", "unknown", "unknown", "unknown"],
  );
  assert.deepEqual(asker.heard, [100]);
  assert.equal(questions.size, 0);
});

test("a client is asked no more than a person could answer", () => {
  const questions = new Questions(1);
  const asker = new Listener();
  for (let i = 0; i < 256; i++) assert.notEqual(questions.add(asker), undefined);
  assert.equal(questions.add(asker), undefined);
  questions.drop(7);
  assert.notEqual(questions.add(asker), undefined);
});

test("progress is told to whoever asked the question that its token names, and to nobody else", () => {
  const questions = new Questions(1);
  const [asker, other] = [new Listener(), new Listener()];
  questions.add(asker);
  questions.add(other);
  for (const progressToken of [1, "1", 3, undefined]) questions.progress(progress(progressToken));
  assert.deepEqual([asker.progressed, other.progressed], [1, 0]);
});

function progress(progressToken: unknown): Envelope {
  const message = { jsonrpc: "2.0", method: "notifications/progress", params: { progressToken, progress: 1 } };
  const scan = scanEnvelope(Buffer.from(JSON.stringify(message)));
  assert.ok(scan.ok);
  return scan.envelope;
}
