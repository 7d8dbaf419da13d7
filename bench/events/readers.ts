/**
 * Readers of events that count what they are told, and one that never reads. Prints one line of JSON: events a second of all that read.
 *
 *   node events/readers.ts PORT READERS NEVER SECONDS
 */
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

const [port = 0, readers = 100, never = 0, seconds = 3] = process.argv.slice(2).map(Number);
const mark = Buffer.from("event: ");
let told = 0;

function open(): Socket {
  const socket = connect(port, "127.0.0.1");
  socket.write("GET /api/v1/events HTTP/1.1\r\nhost: bench\r\n\r\n");
  socket.on("error", () => process.exit(1));
  return socket;
}

for (let count = 0; count < readers; count += 1) {
  open().on("data", (chunk: Buffer) => {
    for (let at = chunk.indexOf(mark); at >= 0; at = chunk.indexOf(mark, at + mark.length)) told += 1;
  });
}
for (let count = 0; count < never; count += 1) open().pause();
await sleep(2_000);
const [before, beforeMs] = [told, performance.now()];
await sleep(seconds * 1_000);
console.log(JSON.stringify({ toldPerSecond: ((told - before) * 1_000) / (performance.now() - beforeMs) }));
await sleep(2_000);
process.exit();
