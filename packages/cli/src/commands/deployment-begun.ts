/** The end of every command that begins a deployment: it is waited for, or not, and what came of it is said. */
import type { Deployment } from "@mcp-manager/api";
import { isOver } from "@mcp-manager/api";
import type { Invocation } from "../command.ts";
import { followedText, noteAdvice, withServer } from "./deployment-outcome.ts";
import { wayText } from "./deployment-text.ts";
import type { Followed, Wait } from "./deployment-wait.ts";
import { follow } from "./follow.ts";

/** Waits for it, unless `wait` is undefined, and says what came of it. Resolves with the exit status. */
export async function followAndTell(
  invocation: Invocation,
  begun: Deployment,
  wait: Wait | undefined,
): Promise<number> {
  const { print } = invocation;
  const { name } = begun.metadata;
  if (wait === undefined) {
    print.result(begun, () => {
      const state = isOver(begun.status) ? `is the newest already, ${begun.status.phase}` : "has begun";
      print.line(`deployment ${name} ${state}: ${wayText(begun)}`);
      print.note(`to watch it: mcp-manager deployment get ${name} --watch`);
    });
    return 0;
  }
  const [followed = { name, ending: "going" as const }] = await follow(invocation, [name], wait);
  const text = await textOf(invocation, begun.spec.server, followed);
  print.result(followed.deployment ?? begun, () => undefined);
  if (print.format === "table") print.line(text);
  else print.note(text);
  const isGood = followed.ending === "there" || isWayBack(begun, followed);
  if (!isGood) noteAdvice(invocation, followed);
  return isGood ? 0 : 1;
}

/** Going back to the stable revision is the end of what leads away from it: nothing else was asked for. */
function isWayBack(begun: Deployment, { ending, deployment }: Followed): boolean {
  const reasons = [begun.status.reason, deployment?.status.reason];
  return ending === "back" && reasons.every((reason) => reason === "RolledBack");
}

async function textOf({ client, io }: Invocation, server: string, followed: Followed): Promise<string> {
  if (followed.ending === "gone") return `server ${server} was deleted in the meantime, and ${followed.name} with it`;
  return followedText(await withServer(client(), server, followed, io.signal));
}
