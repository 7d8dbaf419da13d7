/** The scenario's door through the Python package: one Python process that is told by lines of JSON what to do (python-door.py). */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Deployment, Event, Server } from "@mcp-manager/api";
import { root, type ManagerProcess } from "../manager.ts";
import type { ManagingDoor } from "./door.ts";
import { textOf } from "./rest.ts";

/** The Python that has what the package needs; made by the suite `python`. */
export const python: string = join(root, ".cache/python/bin/python");
/** Why this door cannot be opened here; false when it can. */
export const noPython: string | false = existsSync(python) ? false : `there is no ${python}: npm run python makes it`;

interface Answer {
  readonly id?: number;
  readonly result?: unknown;
  readonly error?: string;
  readonly event?: Event;
}

export function pythonDoor(manager: ManagerProcess): ManagingDoor {
  const child = spawn(python, [join(root, "test/e2e/testing/doors/python-door.py"), manager.grpcAddress], {
    env: { ...process.env, PYTHONPATH: join(root, "clients/python/src"), MCP_MANAGER_KEY: manager.key },
    stdio: ["pipe", "pipe", "inherit"],
  });
  const exited = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  const seen: Event[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => {
    const { id, result, error, event } = JSON.parse(line) as Answer;
    if (event !== undefined) seen.push(event);
    if (id === undefined) return;
    if (error === undefined) waiting.get(id)?.resolve(result);
    else waiting.get(id)?.reject(new Error(error));
  });
  void exited.then(() => {
    for (const { reject } of waiting.values()) reject(new Error("Python has ended"));
  });
  const ask = async <T>(what: string, ...args: readonly unknown[]): Promise<T> => {
    const answer = Promise.withResolvers<unknown>();
    const id = waiting.size;
    waiting.set(id, answer);
    child.stdin.write(`${JSON.stringify({ id, what, args })}\n`);
    return (await answer.promise) as T;
  };
  return {
    name: "Python",
    deploy: (name, spec) => ask("deploy", name, spec),
    list: () => ask("list"),
    get: (name) => ask<Server>("get", name),
    deployment: (name) => ask<Deployment>("deployment", name),
    call: async (server, tool) => textOf(await ask("call", server, tool)),
    rollback: (server, to) => ask("rollback", server, to),
    codeOfMissing: (name) => ask("code_of_missing", name),
    async watch(topics) {
      await ask("watch", topics);
      return { seen };
    },
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      await exited;
    },
  };
}
