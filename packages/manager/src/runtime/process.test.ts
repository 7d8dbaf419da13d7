/** The runtime of processes against the contract, and with real processes of every bad habit. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import type { ProcessSource } from "@mcp-manager/api";
import { ManagerError } from "@mcp-manager/api";
import { declareRuntimeContract } from "./contract.ts";
import type { Bench } from "./testing/bench.ts";
import { bench, pidsFrom } from "./testing/bench.ts";
import { children, isAlive, noCgroup, noProc, until, zombies } from "./testing/platform.ts";

const boundaries = [
  { boundary: "cgroup", skip: noProc ?? noCgroup },
  { boundary: "process-group", skip: noProc },
] as const;

for (const { boundary, skip } of boundaries) {
  declareRuntimeContract<ProcessSource>({
    name: `process (${boundary})`,
    skip,
    async open() {
      const own = await bench({ boundary });
      const source: ProcessSource = { kind: "process", command: "cat", args: [], env: {} };
      return { runtime: own.runtime, source, [Symbol.asyncDispose]: () => own[Symbol.asyncDispose]() };
    },
  });

  const declare = (title: string, run: (own: Bench) => Promise<void>): void => {
    test(`process (${boundary}): ${title}`, { skip: skip ?? false }, async () => {
      await using own = await bench({ boundary });
      await run(own);
    });
  };

  declare("stopping ends the whole tree, also what left the group by a session of its own", async ({ sh }) => {
    const running = await sh("sleep 600 & a=$!; setsid sleep 600 & echo $$ $a $!; wait");
    const pids = await pidsFrom(running.stdout);
    assert.equal(pids[0], running.pid, "the pid given out is the program's own");
    await until(() => pids.every(isAlive));
    await running.stop();
    assert.deepEqual(pids.filter(isAlive), []);
    assert.deepEqual(zombies(), []);
  });

  declare("when the process ends by itself, what it started ends too", async ({ sh }) => {
    const running = await sh("sleep 600 & a=$!; setsid sleep 600 & echo $a $!; exit 3");
    const pids = await pidsFrom(running.stdout);
    assert.deepEqual(await running.exited, { code: 3, signal: undefined });
    assert.deepEqual(pids.filter(isAlive), []);
  });

  declare("says which boundary holds, and of memory either the bound or why there is none", async ({ sh }) => {
    const running = await sh("cat");
    const { limits, ...isolation } = running.isolation;
    assert.deepEqual(isolation, { level: "trusted", boundary, network: "host" });
    assert.equal(limits, running.memory === "512MiB" ? "cgroup2" : "rlimit");
    assert.match(running.memory ?? "", /^(512MiB|not enforced: .+)$/);
    await running.stop();
  });

  declare("what is left open by others after the end keeps nobody waiting", async ({ sh }) => {
    // Not in the group and without the mark: only a cgroup finds it.
    const running = await sh("env -i setsid sleep 600 & echo $!; exit 0");
    const pids = await pidsFrom(running.stdout);
    assert.deepEqual(await running.exited, { code: 0, signal: undefined });
    if (boundary === "cgroup") return assert.deepEqual(pids.filter(isAlive), []);
    for (const pid of pids) process.kill(pid, "SIGKILL");
  });
}

const unless = { skip: noProc ?? false };

test("G10 the end of input is asked for first", unless, async () => {
  await using own = await bench({ stopTimes: { inputMs: 60_000, termMs: 60_000 } });
  const running = await own.sh("cat; exit 4");
  assert.deepEqual(await running.stop(), { code: 4, signal: undefined });
});

test("G10 a process that ignores the end of input is sent SIGTERM", unless, async () => {
  await using own = await bench({ stopTimes: { inputMs: 50, termMs: 60_000 } });
  const running = await own.sh("trap 'exit 5' TERM; echo ready; while :; do sleep 0.05; done");
  await once(running.stdout, "data");
  assert.deepEqual(await running.stop(), { code: 5, signal: undefined });
});

test("G10 a process that ignores SIGTERM too is killed, and no zombie stays", unless, async () => {
  await using own = await bench();
  const running = await own.sh("trap '' TERM; echo ready; while :; do sleep 1; done");
  await once(running.stdout, "data");
  assert.deepEqual(await running.stop(), { code: undefined, signal: "SIGKILL" });
  assert.deepEqual(zombies(), []);
});

test("a stopped process (SIGSTOP) is killed all the same", unless, async () => {
  await using own = await bench();
  const running = await own.sh("echo ready; kill -STOP $$; echo never");
  await once(running.stdout, "data");
  assert.deepEqual(await running.stop(), { code: undefined, signal: "SIGKILL" });
});

test("a process that closes its stdout goes on, and its reader sees the end", unless, async () => {
  await using own = await bench();
  const running = await own.sh("echo last; exec 1>&-; exec sleep 600");
  assert.equal(await text(running.stdout), "last\n");
  assert.ok(isAlive(running.pid ?? 0));
  await running.stop();
});

test("writing to a process that closed its stdin does no harm", unless, async () => {
  await using own = await bench();
  const running = await own.sh("exec 0<&-; echo closed; exec sleep 600");
  await once(running.stdout, "data");
  const closed = new Promise((resolve) => {
    running.stdin.once("close", resolve);
  });
  running.stdin.write("{}\n");
  await closed;
  await running.stop();
});

test("what was written before a fast end can still be read after it", unless, async () => {
  await using own = await bench();
  const running = await own.sh("echo out; echo oops >&2; exit 7");
  assert.deepEqual(await running.exited, { code: 7, signal: undefined });
  assert.deepEqual(own.stderr, ["oops"]);
  assert.equal(await text(running.stdout), "out\n");
});

test("an end by a signal is told as that signal", unless, async () => {
  await using own = await bench();
  const running = await own.sh("kill -ABRT $$");
  assert.deepEqual(await running.exited, { code: undefined, signal: "SIGABRT" });
});

test("a flood on stderr delays nobody and is bounded", unless, async () => {
  await using own = await bench();
  const running = await own.sh("yes flood | head -n 200000 >&2; printf end >&2");
  await running.exited;
  const leftOut = own.stderr.map((line) => Number(/^… (\d+) more lines? w/.exec(line)?.[1] ?? 0));
  const passed = own.stderr.filter((line) => line === "flood" || line === "end").length;
  assert.equal(passed + leftOut.reduce((sum, count) => sum + count, 0), 200_001);
  assert.ok(leftOut.some((count) => count > 0));
});

test("a child sees its own variables and a short list of the manager's, nothing else", unless, async () => {
  await using own = await bench();
  const args = ["-e", "console.log(JSON.stringify(process.env))"];
  const running = await own.start({ command: process.execPath, args, env: { API_KEY: "its own", HOME: "/else" } });
  assert.ok(running.channel.kind === "stdio");
  const seen = JSON.parse(await text(running.channel.stdout)) as Record<string, string>;
  await running.exited;
  // What the launcher adds: the directory it is in anyway.
  delete seen["PWD"];
  assert.match(seen["MCP_MANAGER_RUN"] ?? "", /^weather-7-x-/);
  delete seen["MCP_MANAGER_RUN"];
  assert.deepEqual(seen, { PATH: "/usr/local/bin:/usr/bin:/bin", HOME: "/else", API_KEY: "its own" });
});

test("arguments arrive as they are, whatever a shell would make of them", unless, async () => {
  await using own = await bench();
  const args = ["$(touch /tmp/x)", "`id`", "a b", '"', "'", "", "$1", "; exit 9", "*", "--", "-e"];
  const script = "console.log(JSON.stringify(process.argv.slice(1)))";
  const running = await own.start({ command: process.execPath, args: ["-e", script, "--", ...args] });
  assert.ok(running.channel.kind === "stdio");
  assert.deepEqual(JSON.parse(await text(running.channel.stdout)), args);
  await running.exited;
});

test("what can't be started is said before anything is, and leaves nothing", unless, async () => {
  await using own = await bench();
  const refusals: readonly (readonly [Partial<ProcessSource>, string])[] = [
    [
      { command: "no-such-thing" },
      'server "weather": the command "no-such-thing" was not found on the PATH; install it, or give its full path in spec.source.command',
    ],
    [
      { cwd: "/no/such/place" },
      'server "weather": the working directory /no/such/place does not exist; make it usable, or change spec.source.cwd',
    ],
    [
      { args: ["a\0b"], env: { TOKEN: "s3cret" } },
      'server "weather" can\'t be started (ERR_INVALID_ARG_VALUE): check spec.source: its command, arguments and environment must be acceptable to the operating system',
    ],
  ];
  for (const [source, message] of refusals) {
    await assert.rejects(own.start(source), (error) => {
      assert.ok(error instanceof ManagerError);
      assert.deepEqual([error.code, error.message, error.server], ["failed_precondition", message, "weather"]);
      return true;
    });
  }
});

test("a process that can't be noted is not kept", unless, async () => {
  await using own = await bench();
  await (await own.sh("cat")).stop();
  const records = join(own.dataDir, "run");
  await rm(records, { recursive: true });
  await writeFile(records, "in the way");
  await assert.rejects(own.sh("exec sleep 600"), { code: "failed_precondition" });
  await until(() => zombies().length + children().length === 0);
  await rm(records);
  await mkdir(records);
});
