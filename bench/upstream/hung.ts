/**
 * A stand-in MCP server that answers like the others until it is told to hang (`POST /hang`); from then on it takes requests and does
 * not say a word, which is worse for who waits for it than one that is gone, until it is told to be well (`POST /well`), which cuts
 * off who waits. Prints `listening PORT`.
 *
 *   node upstream/hung.ts modern
 */
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { answerTo, type Eras } from "./answers.ts";

const eras = process.argv[2] as Eras;
let hangs = false;
const hanging: ServerResponse[] = [];

const server = createServer((request, response) => {
  if (request.url === "/hang" || request.url === "/well") {
    hangs = request.url === "/hang";
    for (const silent of hanging.splice(0)) silent.destroy();
    return void response.end();
  }
  if (hangs) return void hanging.push(response);
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    const answer = answerTo(Buffer.concat(chunks).toString(), eras);
    if (answer === undefined) return response.writeHead(202).end();
    return response.writeHead(200, { "content-type": "application/json" }).end(answer);
  });
});
server.listen(0, "127.0.0.1", () => {
  process.stdout.write(`listening ${(server.address() as AddressInfo).port}\n`);
});
