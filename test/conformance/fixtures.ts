/** The fixture servers as the tests start them: over HTTP in processes of their own, over stdio as a source for the manager. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export type Era = "legacy" | "modern";

const program = fileURLToPath(new URL("./fixture/main.ts", import.meta.url));

/** A fixture that listens; it ends when it is disposed of. */
export interface HttpFixture extends AsyncDisposable {
  readonly url: string;
}

export async function startHttpFixture(era: Era): Promise<HttpFixture> {
  const child = spawn(process.execPath, [program, era, "http"], { stdio: ["pipe", "pipe", "inherit"] });
  const exited = new Promise<void>((resolve) => child.on("close", () => resolve()));
  return {
    url: await firstLine(child),
    async [Symbol.asyncDispose]() {
      child.kill();
      await exited;
    },
  };
}

/** The source of a fixture that the manager runs. */
export function stdioSource(era: Era): object {
  return { kind: "process", command: process.execPath, args: [program, era, "stdio"] };
}

async function firstLine({ stdout }: ChildProcess): Promise<string> {
  if (stdout === null) throw new Error("the fixture has no output");
  const lines = createInterface({ input: stdout });
  const [line] = (await Promise.race([once(lines, "line"), once(lines, "close")])) as [string?];
  if (line === undefined) throw new Error("the fixture ended before it listened");
  return line;
}
