/** A replica that is started again under load, in both eras and over both transports: every call that was accepted is answered. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { configOf } from "./testing/fixtures.ts";
import { type Crowd, crowdProcess, startCrowd } from "./testing/crowd.ts";
import { type ManagerProcess, startManager, until } from "./testing/manager.ts";
import { initialize, request, type Wire } from "./testing/mcp.ts";
import { sendModern } from "./testing/modern.ts";

const eras = ["legacy", "modern"] as const;
let manager: ManagerProcess;
const crowds: Crowd[] = [];

before(async () => {
  manager = await startManager({ config: configOf({ plain: { mode: "plain" } }) });
  for (const era of eras) {
    const crowd = await startCrowd(era);
    crowds.push(crowd);
    const apply = async (name: string, source: object): Promise<void> => {
      await manager.client.servers.apply({ metadata: { name }, spec: { source: source as never } });
    };
    await apply(`http-${era}`, { kind: "remote", url: crowd.url });
    await apply(`stdio-${era}`, crowdProcess(era));
  }
  await manager.serversReady("plain", ...eras.flatMap((era) => [`http-${era}`, `stdio-${era}`]));
});
after(async () => {
  await manager[Symbol.asyncDispose]();
  for (const crowd of crowds) await crowd[Symbol.asyncDispose]();
});

/** Calls one after the other until told to stop, as several clients at once; gives every answer. */
async function load(call: (who: number) => Promise<Wire>, isOver: () => boolean): Promise<readonly Wire[]> {
  const answers: Wire[] = [];
  const client = async (number: number): Promise<void> => {
    for (let round = 0; !isOver(); round++) answers.push(await call(number * 1_000_000 + round));
  };
  await Promise.all(Array.from({ length: 6 }, (_, number) => client(number)));
  return answers;
}

async function restarts(server: string): Promise<number> {
  const [replica] = (await manager.client.servers.replicas(server)).items;
  return replica?.status.state === "ready" ? replica.status.restarts : -1;
}

for (const server of eras.flatMap((era) => [`stdio-${era}`, `http-${era}`])) {
  test(`three restarts of ${server} in a row lose no call`, async () => {
    const session = await initialize(manager);
    let isOver = false;
    const answers = load(
      (who) => {
        const params = { name: `${server}__hold`, arguments: { who } };
        return who % 2 === 0
          ? request(manager, session, "tools/call", params)
          : sendModern(manager, "tools/call", params);
      },
      () => isOver,
    );
    for (let round = 1; round <= 3; round++) {
      await manager.client.servers.restart(server);
      await until(`restart ${round}`, async () => (await restarts(server)) === round);
    }
    isOver = true;
    const all = await answers;
    assert.ok(all.length > 20);
    const lost = all.filter(({ status, text }) => status !== 200 || !text.includes('"result"'));
    assert.deepEqual(
      lost.map(({ text }) => text),
      [],
    );
  });
}

test("a call that is under way when its replica is restarted ends where it began", async () => {
  const session = await initialize(manager);
  const pid = (await request(manager, session, "tools/call", { name: "plain__pid" })).text;
  const slow = request(manager, session, "tools/call", { name: "plain__slow", arguments: { ms: 2_500 } });
  await manager.client.servers.restart("plain");
  await until("it is another process", async () => {
    return (await request(manager, session, "tools/call", { name: "plain__pid" })).text !== pid;
  });
  assert.match((await slow).text, /done/);
});
