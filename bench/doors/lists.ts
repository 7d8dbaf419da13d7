/**
 * All servers, listed again and again, one list at a time: as gRPC's stream, or as REST's pages. What comes is counted and not decoded.
 * Prints one line of JSON: lists, and how long the middle one took.
 *
 *   node doors/lists.ts grpc|rest URL AUTHORIZATION SERVERS SECONDS
 */
import { median } from "../rig/rows.ts";
import { Channel, messagesIn } from "./channel.ts";

/** As many servers on a page as gRPC's stream reads at a time. */
const pageItems = 500;
const item = '{"kind":"Server"';

const [kind, url = "", authorization = "", serversText, secondsText] = process.argv.slice(2);
const wanted = Number(serversText);

/** Each gives how many servers it was told of. */
async function streamed(channel: Channel): Promise<number> {
  const { status, message, body } = await channel.call("ListServers", new Uint8Array());
  if (status !== "0") throw new Error(`ListServers answered ${status}: ${message}`);
  return messagesIn(body);
}

async function paged(): Promise<number> {
  let count = 0;
  for (let cursor: string | undefined = ""; cursor !== undefined;) {
    const more = cursor === "" ? "" : `&cursor=${encodeURIComponent(cursor)}`;
    const response = await fetch(`${url}/api/v1/servers?limit=${pageItems}${more}`, { headers: { authorization } });
    const text = await response.text();
    if (!response.ok) throw new Error(`a page answered ${response.status}: ${text.slice(0, 300)}`);
    for (let at = text.indexOf(item); at >= 0; at = text.indexOf(item, at + item.length)) count += 1;
    // It is the last member of a page.
    cursor = /"nextCursor":"([^"]+)"\}\s*$/.exec(text.slice(-300))?.[1];
  }
  return count;
}

async function measure(list: () => Promise<number>): Promise<void> {
  const tookMs: number[] = [];
  for (const endMs = performance.now() + Number(secondsText) * 1_000; performance.now() < endMs;) {
    const fromMs = performance.now();
    const told = await list();
    if (told !== wanted) throw new Error(`a list told of ${told} servers, there are ${wanted}`);
    tookMs.push(performance.now() - fromMs);
  }
  process.stdout.write(`${JSON.stringify({ lists: tookMs.length, p50Ms: median(tookMs) })}\n`);
}

if (kind === "grpc") {
  using channel = new Channel(url, authorization);
  await measure(() => streamed(channel));
} else await measure(paged);
