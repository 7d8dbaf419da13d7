/** What a sandboxed process can and can't do, by trying it from inside. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import type { ProcessSource, Sandbox } from "@mcp-manager/api";
import { openHome } from "./homes.ts";
import type { Bench } from "./testing/bench.ts";
import { bench } from "./testing/bench.ts";
import { commandLine, noProc, noSandbox, processesWith, temporaryData } from "./testing/platform.ts";

const here = { skip: noProc ?? noSandbox ?? false };

/** What a script says from inside, on either pipe, without its last line's end. */
async function say(
  own: Bench,
  script: string,
  source: Partial<ProcessSource> = {},
  sandbox: Sandbox = "default",
): Promise<string> {
  const running = await own.sh(`exec 2>&1; ${script}`, source, { sandbox });
  const said = await text(running.stdout);
  await running.exited;
  return said.trimEnd();
}

test("a sandboxed server sees the system, and of the rest of the machine nothing", here, async () => {
  await using own = await bench();
  await writeFile(join(own.dataDir, "admin.key"), "canary");
  await writeFile(join(await openHome(own.dataDir, "other"), "notes"), "canary");
  const hidden = ["/root", "/home", "/run", "/var", "/sys", "/mnt", "/srv", import.meta.dirname];
  assert.equal(
    await say(own, `for at in ${hidden.join(" ")}; do ls -A $at 2>/dev/null; done; ls /usr/bin/env`),
    "/usr/bin/env",
  );
  assert.equal(
    await say(own, `ls -A ${own.dataDir} ${own.dataDir}/homes`),
    `${own.dataDir}:\nhomes\n\n${own.dataDir}/homes:\nweather`,
  );
  assert.match(
    await say(own, `cat ${own.dataDir}/admin.key ${own.dataDir}/homes/other/notes`),
    /No such file.*\n.*No such file/,
  );
  assert.doesNotMatch(await say(own, "cat /etc/shadow"), /root:/);
  // Its own shell, which looks without a process more, and the first process of its namespace.
  assert.equal(await say(own, "set -- /proc/[0-9]*; echo $#"), "2");
});

test("it writes to its HOME, which is kept, to its directory and to temporary files, which are not", here, async () => {
  await using own = await bench();
  await using place = await temporaryData();
  const script = 'echo kept >> ~/note; echo here > made; echo gone > /tmp/x; cat ~/note /tmp/x; echo "$HOME $PWD"';
  const home = join(own.dataDir, "homes/weather");
  assert.equal(await say(own, script, { cwd: place.path }), `kept\ngone\n${home} ${place.path}`);
  assert.match(await say(own, "cat ~/note /tmp/x; pwd"), new RegExp(`^kept\ncat: /tmp/x: No such file.*\n${home}$`));
  assert.equal(await readFile(join(place.path, "made"), "utf8"), "here\n");
  assert.equal((await stat(home)).mode & 0o777, 0o700);
});

test("it writes to nothing else, nor to the kernel's settings, and has no rights over the machine", here, async () => {
  await using own = await bench();
  const places = ["/usr/x", "/etc/x", "/x", "/dev/x", "/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger"];
  const said = await say(own, `for at in ${places.join(" ")}; do echo x > $at && echo wrote $at; done; true`);
  assert.doesNotMatch(said, /wrote/);
  assert.equal(
    await say(own, "grep -E 'CapEff|NoNewPrivs' /proc/self/status"),
    "CapEff:\t0000000000000000\nNoNewPrivs:\t1",
  );
});

test("further paths may be made writable, by their real place and by the name they were given", here, async () => {
  await using own = await bench();
  await using place = await temporaryData();
  await mkdir(join(place.path, "real"));
  await symlink("real", join(place.path, "name"));
  const name = join(place.path, "name");
  const writable = { level: "strict", writable: [name] } as const;
  await say(own, `echo here > ${name}/made`, {}, writable);
  assert.equal(await readFile(join(place.path, "real/made"), "utf8"), "here\n");
  const refusals: readonly (readonly [string, RegExp])[] = [
    [
      join(place.path, "none"),
      /server "weather": the path .*\/none can't be made writable .*: it does not exist; make it/,
    ],
    ["/", /the path \/ can't be made writable in a sandbox, which would be none then/],
    [join(own.dataDir, "run"), /lies in the manager's data directory, which no server may see/],
  ];
  for (const [path, message] of refusals) {
    const rules = { sandbox: { level: "default", writable: [path] } } as const;
    await assert.rejects(own.start({}, rules), { code: "failed_precondition", message });
  }
});

test("a directory above the manager's data can be given, and the data stays covered", here, async () => {
  await using own = await bench();
  await writeFile(join(own.dataDir, "admin.key"), "canary");
  const above = join(own.dataDir, "..");
  assert.equal(await say(own, `ls -A ${own.dataDir}`, {}, { level: "default", writable: [above] }), "homes");
});

test("strict, and network: none, reach nobody; default reaches this machine", here, async () => {
  await using own = await bench();
  const listening = createServer((socket) => socket.end("hello")).listen(0, "127.0.0.1");
  const port = (): number => (listening.address() as AddressInfo).port;
  await new Promise((resolve) => {
    listening.once("listening", resolve);
  });
  const script = `require("net").connect(${port()}, "127.0.0.1").on("error", (e) => console.log(e.code)).pipe(process.stdout)`;
  const source = { command: process.execPath, args: ["-e", script] };
  const outcomes: string[] = [];
  for (const sandbox of ["default", "strict", { level: "default", network: "none" }] as const) {
    const running = await own.start(source, { sandbox });
    assert.ok(running.channel.kind === "stdio");
    outcomes.push(`${running.isolation.network}: ${(await text(running.channel.stdout)).trim()}`);
    await running.exited;
  }
  listening.close();
  assert.deepEqual(outcomes, ["host: hello", "none: ECONNREFUSED", "none: ECONNREFUSED"]);
});

test("its environment is as without a sandbox, and nobody reads it from the launchers", here, async () => {
  await using own = await bench();
  const env = { API_KEY: "s3cret-canary", LD_PRELOAD: "/no/such/library.so" };
  const seen = await say(own, "env | sort", { env: { API_KEY: "s3cret-canary" } });
  const mark = /^MCP_MANAGER_RUN=weather-7-x-.*$/m;
  assert.match(seen, mark);
  const home = `HOME=${join(own.dataDir, "homes/weather")}`;
  const expected = [
    "API_KEY=s3cret-canary",
    home,
    "PATH=/usr/local/bin:/usr/bin:/bin",
    `PWD=${join(own.dataDir, "homes/weather")}`,
  ];
  assert.deepEqual(
    seen
      .replace(mark, "")
      .split("\n")
      .filter((line) => line !== "" && !/^(OLDPWD|SHLVL|_)=/.test(line)),
    expected,
  );
  const running = await own.sh("echo ready; exec sleep 700000.1", { env }, { sandbox: "default" });
  await once(running.stdout, "data");
  const launchers = processesWith("bwrap").filter((pid) => commandLine(pid).includes("700000.1"));
  assert.equal(launchers.length, 2);
  for (const pid of launchers) {
    assert.doesNotMatch(commandLine(pid), /canary/);
    assert.doesNotMatch(await readFile(`/proc/${pid}/environ`, "latin1"), /canary|LD_PRELOAD/);
  }
  await running.stop();
});

test("npx runs what it installed into the server's own HOME", { ...here, timeout: 60_000 }, async () => {
  await using own = await bench();
  await using place = await temporaryData();
  const manifest = { name: "small-server", version: "1.0.0", bin: { "small-server": "./main.js" } };
  await writeFile(join(place.path, "package.json"), JSON.stringify(manifest));
  await writeFile(join(place.path, "main.js"), '#!/usr/bin/env node\nconsole.log("it runs");\n', { mode: 0o755 });
  const running = await own.start(
    { command: "npx", args: ["--yes", "--offline", place.path], cwd: place.path },
    { sandbox: "default" },
  );
  assert.ok(running.channel.kind === "stdio");
  assert.equal(await text(running.channel.stdout), "it runs\n", own.stderr.join("\n"));
  await running.exited;
  assert.ok((await stat(join(own.dataDir, "homes/weather/.npm/_npx"))).isDirectory());
});
