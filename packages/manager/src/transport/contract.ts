/**
 * What every connection must do, as tests that each transport declares for itself, against a real peer: the stand-in server of
 * `testing/peer.ts`. It knows no transport.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ManagerError } from "@mcp-manager/api";
import fc from "fast-check";
import type { ManualClock } from "../base/clock.ts";
import type { Connection } from "./connection.ts";
import { jsonValue } from "./testing/arbitrary-json.ts";
import {
  AskedSink,
  callParams,
  callTool,
  listen,
  outbound,
  type RecordingEvents,
  RecordingSink,
  start,
  type Started,
  startWith,
  toolCall,
  until,
} from "./testing/calls.ts";
import { result } from "./testing/peer.ts";

/** An open connection of its own for one test; disposing ends the peer too. */
export interface ConnectionUnderTest extends AsyncDisposable {
  readonly connection: Connection;
  readonly events: RecordingEvents;
  /** The clock of the connection. */
  readonly clock: ManualClock;
  /** What the peer has seen. */
  readonly journal: readonly string[];
  /** Makes the peer answer the calls it holds. */
  release(): void;
}

/** One transport, to the suite. */
export interface ConnectionHarness {
  readonly name: string;
  /** Whether its servers may ask the client something. */
  readonly serverAsks: boolean;
  /** Whether its servers take `subscriptions/listen`. */
  readonly subscriptions?: boolean;
  /** Whom a question reaches: the call it is asked for, whatever else is in flight, or the only call in flight. Absent: nobody. */
  readonly questions?: "of their call" | "of the only call";
  open(): Promise<ConnectionUnderTest>;
}

/** Declares the whole contract for one transport. */
export function declareConnectionContract(harness: ConnectionHarness): void {
  const declare = (title: string, run: (sut: ConnectionUnderTest) => Promise<void>): void => {
    test(`${harness.name}: ${title}`, async () => {
      await using sut = await harness.open();
      await run(sut);
    });
  };
  declareAddressing(declare);
  declareContent(declare);
  declareEnds(declare);
  declareServerMessages(declare, harness.serverAsks);
  if (harness.subscriptions === true) declareSubscriptions(declare);
  if (harness.questions !== undefined) declareQuestions(declare, harness.questions === "of their call");
}

type Declare = (title: string, run: (sut: ConnectionUnderTest) => Promise<void>) => void;

const reason = new ManagerError("unavailable", "the test ends it", { reason: "TEST" });

function declareAddressing(declare: Declare): void {
  declare("G11 the caller's id and progress token come back as they were written", async ({ connection }) => {
    const names = ["1", '"1"', "0", "-5", "9007199254740993", '"a\\u0041\\/é"', `"${"long".repeat(60)}"`, '""'];
    for (const name of names) {
      const { sink } = start(connection, "progress", { id: name, token: name, args: '{"count":2}' });
      const response = await sink.response();
      assert.ok(response.startsWith(`{"jsonrpc":"2.0","id":${name},"result":`), response);
      assert.deepEqual(
        sink.notifications,
        [1, 2].map(
          (i) =>
            `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":${name},"progress":${i}.0}}`,
        ),
      );
    }
  });

  declare(
    "G11 1,000 callers at once with one id and one token each hear only of themselves",
    async ({ connection }) => {
      const calls = Array.from({ length: 1_000 }, (_, i) => {
        const args = `{"marker":"m${i}"}`;
        return { marker: `m${i}`, ...start(connection, "shuffled", { id: "1", token: '"t"', args }) };
      });
      for (const { marker, sink } of calls) {
        assert.equal(await sink.response(), result("1", `{"marker":"${marker}"}`));
        assert.deepEqual(sink.notifications, [
          `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"t","progress":1,"message":"${marker}"}}`,
        ]);
      }
      assert.equal(connection.inFlight, 0);
    },
  );
}

function declareContent(declare: Declare): void {
  declare("G21 what is between the ids passes byte-equal both ways", async ({ connection }) => {
    const names = fc.constantFrom("1", '"x"', '"a-rather-long-id-that-is-longer-than-a-number"');
    const property = fc.asyncProperty(jsonValue, names, fc.constantFrom("echo", "tail"), async (args, id, tool) => {
      const response = await callTool(connection, tool, { id, args });
      const value = `{"params":${callParams(tool, { args })}}`;
      assert.equal(response, tool === "echo" ? result(id, value) : `{"result":${value},"jsonrpc":"2.0","id":${id}}`);
    });
    await fc.assert(property, { numRuns: 200 });
  });

  declare("a long response arrives whole", async ({ connection }) => {
    const bytes = 3_000_000;
    const args = `{"bytes":${bytes}}`;
    const response = await callTool(connection, "big", { id: '"big"', args });
    assert.equal(response, result('"big"', `{"text":"${"x".repeat(bytes)}"}`));
    const rows = await callTool(connection, "rows", { id: '"rows"', args });
    assert.ok(rows.length > 0.9 * bytes);
    assert.ok(rows.startsWith('{"result":{"rows":[{"id":1,') && rows.endsWith(',null]},"jsonrpc":"2.0","id":"rows"}'));
    const { result: value } = JSON.parse(rows) as { result: { rows: unknown[] } };
    assert.deepEqual(value.rows.at(-2), { id: 1, name: 'a "id"', ref: { kind: "x", id: 2 } });
  });

  declare("the edits of the gateway are applied, and nothing else changes", async ({ connection }) => {
    const text = toolCall("server__echo", { args: '{"name":"server__echo"}' });
    const sink = new RecordingSink();
    connection.send(outbound(text, [["server__echo", "echo"]]), sink);
    assert.equal(
      await sink.response(),
      result("1", `{"params":${callParams("echo", { args: '{"name":"server__echo"}' })}}`),
    );
  });

  declare("an error response is a response", async ({ connection }) => {
    const response = await callTool(connection, "error", { id: '"e"' });
    assert.equal(response, '{"jsonrpc":"2.0","id":"e","error":{"code":-32602,"message":"refused"}}');
  });
}

function declareEnds(declare: Declare): void {
  declare("G18 after cancel nothing comes, and the server knows", async (sut) => {
    const { connection, journal } = sut;
    const { sink, exchange } = start(connection, "hold", { token: "1" });
    await until("the call at the server", () => journal.includes("call hold"));
    exchange.cancel("not wanted");
    exchange.cancel("not wanted");
    assert.equal(connection.inFlight, 0);
    await until("the cancellation at the server", () => journal.includes("cancelled hold"));
    sut.release();
    await callTool(connection, "echo");
    assert.deepEqual([sink.isOver, sink.chunks, sink.failure], [false, [], undefined]);
    assert.equal(journal.filter((line) => line === "cancelled hold").length, 1);
  });

  declare("a call that is cancelled at once never ends", async ({ connection }) => {
    const { sink, exchange } = start(connection, "echo");
    exchange.cancel("changed my mind");
    await callTool(connection, "echo");
    assert.equal(sink.isOver, false);
  });

  declare("destroy fails what is in flight, once, and everything after it", async ({ connection, journal }) => {
    const calls = [start(connection, "hold"), start(connection, "hold")];
    await until("the calls at the server", () => journal.filter((line) => line === "call hold").length === 2);
    connection.destroy(reason);
    connection.destroy(new ManagerError("internal", "a second reason"));
    for (const { sink } of calls) assert.deepEqual([await sink.failed(), sink.wasWritten], [reason, true]);
    const { sink: refused } = start(connection, "echo");
    assert.deepEqual([await refused.failed(), refused.wasWritten], [reason, false]);
    assert.equal(await connection.closed, reason);
    assert.deepEqual([connection.closeReason, connection.inFlight], [reason, 0]);
    connection.notify(Buffer.from('{"jsonrpc":"2.0","method":"notifications/x"}'));
    await connection.close(0);
  });

  declare("close waits for what is in flight and takes nothing new", async (sut) => {
    const { connection, journal } = sut;
    const { sink } = start(connection, "hold");
    await until("the call at the server", () => journal.includes("call hold"));
    const closed = connection.close(60_000);
    const again = connection.close(60_000);
    const { sink: refused } = start(connection, "echo");
    assert.deepEqual([(await refused.failed()).code, refused.wasWritten], ["unavailable", false]);
    assert.equal(connection.closeReason, undefined);
    sut.release();
    assert.equal(await sink.response(), result("1", '{"late":true}'));
    await Promise.all([closed, again]);
    assert.equal((await connection.closed).reason, "CONNECTION_CLOSED");
  });

  declare("close fails what has not ended in its time", async (sut) => {
    const { connection, clock, journal } = sut;
    const { sink } = start(connection, "hold");
    await until("the call at the server", () => journal.includes("call hold"));
    const closed = connection.close(5_000);
    await clock.advance(5_000);
    await closed;
    assert.equal((await sink.failed()).reason, "CONNECTION_CLOSED");
  });

  declare("close asked again can only be quicker", async (sut) => {
    const { connection, journal } = sut;
    const { sink } = start(connection, "hold");
    await until("the call at the server", () => journal.includes("call hold"));
    const closed = connection.close(60_000);
    void connection.close(600_000);
    await connection.close(0);
    await closed;
    assert.equal((await sink.failed()).reason, "CONNECTION_CLOSED");
  });
}

function declareServerMessages(declare: Declare, serverAsks: boolean): void {
  declare("a log line reaches the only call in flight", async ({ connection, events }) => {
    const { sink } = start(connection, "log");
    await sink.response();
    assert.deepEqual(sink.notifications, [
      '{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"hello"}}',
    ]);
    assert.deepEqual(events.notifications, []);
  });

  declare("progress for a call that gave no token reaches nobody", async ({ connection }) => {
    const { sink } = start(connection, "progress", { args: '{"count":3}' });
    await sink.response();
    assert.deepEqual(sink.notifications, []);
  });

  declare("what belongs to no call goes to the listener of the connection", async ({ connection, events }) => {
    const { sink } = start(connection, "changed");
    await sink.response();
    await until("the notification", () => events.notifications.length > 0);
    assert.deepEqual(events.notifications, ["notifications/tools/list_changed"]);
    assert.deepEqual(sink.notifications, []);
  });

  declare("a notification of the manager's arrives", async ({ connection, journal }) => {
    connection.notify(Buffer.from('{"jsonrpc":"2.0","method":"notifications/roots/list_changed"}'));
    await until("the notification", () => journal.includes("notified notifications/roots/list_changed"));
  });

  if (!serverAsks) return;
  declare("a server's ping is answered, everything else it asks is refused", async ({ connection }) => {
    const response = await callTool(connection, "ask");
    assert.equal(
      response,
      result(
        "1",
        '{"answers":[{"jsonrpc":"2.0","id":"q1","error":{"code":-32601,"message":"the manager takes no sampling/createMessage requests"}},' +
          '{"jsonrpc":"2.0","id":2,"result":{}}]}',
      ),
    );
  });
}

function declareSubscriptions(declare: Declare): void {
  const meta = (id: string): string => `"_meta":{"io.modelcontextprotocol/subscriptionId":${id}}`;
  const acknowledged = (id: string): string =>
    `{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{${meta(id)},"notifications":{}}}`;
  const changed = (id: string): string =>
    `{"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{${meta(id)}}}`;
  const ids = ["7", '"7"', '"a\\u0041"'];
  const open = async (connection: Connection): Promise<readonly Started[]> => {
    const started = ids.map((id) => listen(connection, id));
    for (const { sink } of started) await until("the acknowledgement", () => sink.notifications.length === 1);
    return started;
  };

  declare("a subscription hears what it is told under its own id, until the server ends it", async (sut) => {
    const { connection, events } = sut;
    const started = await open(connection);
    await callTool(connection, "tell");
    await callTool(connection, "tell", { args: '{"end":"result"}' });
    for (const [i, { sink }] of started.entries()) {
      const id = ids[i] ?? "";
      assert.equal(await sink.response(), result(id, `{"resultType":"complete",${meta(id)}}`));
      assert.deepEqual(sink.notifications, [acknowledged(id), changed(id)]);
    }
    assert.deepEqual([events.notifications, connection.inFlight], [[], 0]);
  });

  declare("a server that cancels a subscription names it as its caller does", async ({ connection }) => {
    const started = await open(connection);
    await callTool(connection, "tell", { args: '{"end":"cancelled"}' });
    for (const [i, { sink, exchange }] of started.entries()) {
      await until("the end", () => sink.notifications.length === 2);
      const id = ids[i] ?? "";
      const cancelled = `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":${id},${meta(id)}}}`;
      assert.deepEqual(sink.notifications, [acknowledged(id), cancelled]);
      exchange.cancel("it has ended");
    }
  });

  declare("a subscription that is cancelled hears nothing more, and the server knows", async (sut) => {
    const { connection, journal } = sut;
    const [first, ...others] = await open(connection);
    first?.exchange.cancel("enough");
    await until("the cancellation", () => journal.includes("cancelled listen"));
    await callTool(connection, "tell");
    for (const { sink } of others) await until("the change", () => sink.notifications.length === 2);
    assert.equal(first?.sink.notifications.length, 1);
  });

  declare("a log line is not for a subscription, nor does one keep it from its call", async ({ connection }) => {
    const started = await open(connection);
    const { sink } = start(connection, "log");
    await sink.response();
    assert.equal(sink.notifications.length, 1);
    for (const listening of started) assert.equal(listening.sink.notifications.length, 1);
  });

  declare("close does not wait for subscriptions", async ({ connection }) => {
    const started = await open(connection);
    await connection.close(60_000);
    for (const { sink } of started) assert.equal((await sink.failed()).reason, "CONNECTION_CLOSED");
  });
}

const question = '{"jsonrpc":"2.0","id":"q1","method":"sampling/createMessage","params":{}}';
const pong = '{"jsonrpc":"2.0","id":2,"result":{}}';

function declareQuestions(declare: Declare, areAddressed: boolean): void {
  declare("a question of the server reaches the call it serves, and the answer the server", async ({ connection }) => {
    const answer = '{"jsonrpc":"2.0","id":"q1","result":{"model":"m"}}';
    const { sink } = startWith(new AskedSink(() => connection.notify(Buffer.from(answer))), connection, "ask");
    assert.equal(await sink.response(), result("1", `{"answers":[${answer},${pong}]}`));
    assert.deepEqual(sink.questions, [question]);
  });

  declare("with several calls in flight a question reaches the one it is asked for, or nobody", async (sut) => {
    const { connection, events, journal } = sut;
    const held = startWith(new AskedSink(), connection, "hold", { id: '"held"' });
    await until("the call at the server", () => journal.includes("call hold"));
    const answer = '{"jsonrpc":"2.0","id":"q1","result":{}}';
    const { sink } = startWith(new AskedSink(() => connection.notify(Buffer.from(answer))), connection, "ask");
    const refusal =
      '{"jsonrpc":"2.0","id":"q1","error":{"code":-32601,"message":"nobody can be asked sampling/createMessage now"}}';
    const answers = areAddressed ? `${answer},${pong}` : `${refusal},${pong}`;
    assert.equal(await sink.response(), result("1", `{"answers":[${answers}]}`));
    assert.deepEqual([sink.questions, held.sink.questions], [areAddressed ? [question] : [], []]);
    assert.deepEqual(events.dropped, areAddressed ? [] : ["unaddressed_request"]);
  });

  declare("the call that was asked hears that the question is withdrawn, though it is alone no more", async (sut) => {
    const { connection, journal } = sut;
    const { sink } = startWith(new AskedSink(), connection, "withdraw");
    await until("the question", () => sink.questions.length === 1);
    const other = start(connection, "hold");
    await until("the other call at the server", () => journal.includes("call hold"));
    sut.release();
    await sink.response();
    await other.sink.response();
    assert.deepEqual(sink.notifications, [
      '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1,"reason":"late"}}',
    ]);
    assert.deepEqual(other.sink.notifications, []);
  });
}
