/** The operations on what could not be delivered. */
import type { DeadLetter } from "@mcp-manager/api";
import { check, emptyRequestSchema, invalidFields } from "@mcp-manager/api";
import type { DeadLetters, Replays } from "../ports.ts";
import type { Implementation, OperationReply, OperationRequest } from "../request.ts";
import { notFound, pathValue, text } from "../request.ts";
import { pageOf } from "./page.ts";

type Names =
  | "listDeadLetters"
  | "purgeDeadLetters"
  | "replayDeadLetters"
  | "getDeadLetter"
  | "deleteDeadLetter"
  | "replayDeadLetter";

/** The implementations, by operation. */
export function deadLetterOperations({
  deadLetters,
  replays,
}: {
  readonly deadLetters: DeadLetters;
  readonly replays: Replays;
}): Readonly<Record<Names, Implementation>> {
  return {
    /** Only those on the page are read: ten thousand of them take some space. */
    async listDeadLetters(request) {
      const named = deadLetters.names(text(request, "webhook")).map((name) => ({ metadata: { name } }));
      const { items, ...rest } = pageOf(named, request);
      const read = await Promise.all(items.map(({ metadata }) => deadLetters.get(metadata.name)));
      return { kind: "json", status: 200, body: { items: read.flatMap((letter) => letter ?? []), ...rest } };
    },

    async purgeDeadLetters(request) {
      return count(200, await deadLetters.purge(text(request, "webhook")));
    },

    async replayDeadLetters(request) {
      demandEmpty(request);
      return await Promise.resolve(count(202, replays.all(text(request, "webhook"))));
    },

    async getDeadLetter(request) {
      return found(request, await deadLetters.get(pathValue(request, "name")));
    },

    async deleteDeadLetter(request) {
      return found(request, await deadLetters.delete(pathValue(request, "name")));
    },

    async replayDeadLetter(request) {
      demandEmpty(request);
      return found(request, await replays.one(pathValue(request, "name")));
    },
  };
}

function count(status: number, number: number): OperationReply {
  return { kind: "json", status, body: { count: number } };
}

function found(request: OperationRequest, letter: DeadLetter | undefined): OperationReply {
  if (letter === undefined) throw notFound("dead letter", pathValue(request, "name"));
  return { kind: "json", status: 200, body: letter };
}

function demandEmpty({ body }: OperationRequest): void {
  const checked = check(emptyRequestSchema, body ?? {});
  if (checked.kind === "wrong") throw invalidFields("the request", checked.fields);
}
