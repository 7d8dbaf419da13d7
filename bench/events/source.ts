/**
 * What tells events, alone: the bus, the streams and what writes them out, on a real socket, with nothing that happens but what it says
 * itself at an even rate. Begins when everybody is there; prints one line of JSON with its CPU time and memory.
 *
 *   node --conditions=mcp-manager-source events/source.ts READERS PER_SECOND SECONDS
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { sendEvents } from "../../packages/manager/src/api/event-answer.ts";
import { systemClock } from "../../packages/manager/src/base/clock.ts";
import { systemRandom } from "../../packages/manager/src/base/random.ts";
import { EventBus } from "../../packages/manager/src/events/bus.ts";
import { BusStreams } from "../../packages/manager/src/events/bus-streams.ts";
import { Registry } from "../../packages/manager/src/registry/registry.ts";
import { openMemoryStore } from "../../packages/manager/src/store/memory.ts";

const [readers = 100, perSecond = 10_000, seconds = 3] = process.argv.slice(2).map(Number);
const parts = { clock: systemClock, random: systemRandom };
const bus = new EventBus(parts);
const registry = new Registry({ store: await openMemoryStore(parts), ...parts });
const streams = new BusStreams({ bus, registry, clock: systemClock, leastView: (server) => server });
let open = 0;

const http = createServer((request, response) => {
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  const items = streams.open({ topics: ["*"], signal: gone.signal });
  void sendEvents(request, response, { items, clock: systemClock }).catch(() => response.destroy());
  open += 1;
});
http.listen(0, "127.0.0.1", () => console.log(`port ${(http.address() as AddressInfo).port}.`));
while (open < readers) await sleep(20);

let said = 0;
const begunMs = performance.now();
const saying = setInterval(() => {
  const due = ((performance.now() - begunMs) / 1_000) * perSecond;
  for (; said < due; said += 1) {
    const message = `closed → open: call ${said} failed`;
    bus.publish({
      topic: "breaker.state",
      server: "weather",
      message,
      severity: "warning",
      data: { from: "closed", to: "open" },
    });
  }
}, 2);
await sleep(2_000);
const [cpuBefore, saidBefore, beforeMs] = [process.cpuUsage(), said, performance.now()];
await sleep(seconds * 1_000);
const { user, system } = process.cpuUsage(cpuBefore);
const pastSeconds = (performance.now() - beforeMs) / 1_000;
const cpuUsPerSecond = (user + system) / pastSeconds;
const saidPerSecond = (said - saidBefore) / pastSeconds;
console.log(JSON.stringify({ cpuUsPerSecond, saidPerSecond, residentMb: process.memoryUsage.rss() / 1e6 }));
clearInterval(saying);
