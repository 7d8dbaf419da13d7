import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { type Answers, type Asked, problem, serverOf, toldManager } from "../testing/manager.ts";
import { entryOf, fakeRegistry, weatherJson } from "../testing/registry.ts";
import { type Ran, type Terminal, type } from "../testing/terminal.ts";

const latest = "/v0.1/servers/io.example%2Fweather/versions/latest";

/** A manager without servers, that takes the one which is added. */
const empty: Answers = {
  "GET /api/v1/servers/weather": [
    [404, problem("not_found", "none")],
    [200, serverOf("weather")],
  ],
  "PUT /api/v1/servers/weather?dryRun=true": [[201, serverOf("weather")]],
  "GET /api/v1/secrets/weather-token": [[404, problem("not_found", "none")]],
  "PUT /api/v1/secrets/weather-token": [[201, { status: { usedBy: [] } }]],
  "POST /api/v1/servers": [[201, serverOf("weather")]],
  "GET /api/v1/servers/weather/revisions?limit=1": [[200, { items: [{ metadata: { name: "weather-1" } }] }]],
  "GET /api/v1/servers/weather/replicas?limit=1000": [[200, { items: [] }]],
};

interface Added extends Ran {
  readonly asked: readonly Asked[];
}

async function add(
  json: object,
  words: string | readonly string[],
  terminal: Terminal = {},
  answers: Answers = empty,
): Promise<Added> {
  await using registry = await fakeRegistry({ [latest]: [200, entryOf(json)] });
  await using manager = await toldManager(answers);
  const given = typeof words === "string" ? words.split(" ").filter((word) => word !== "") : words;
  const line = ["registry", "add", "io.example/weather", "--registry", registry.url, "--url", manager.url, ...given];
  return { ...(await type(line, terminal)), asked: manager.asked };
}

const asking = weatherJson(
  {},
  {
    packageArguments: [{ type: "positional", valueHint: "city", description: "Where", isRequired: true }],
    environmentVariables: [
      { name: "TOKEN", description: "Your key", isRequired: true, isSecret: true },
      { name: "UNIT", default: "c", choices: ["c", "f"], isRequired: true },
      { name: "DEBUG" },
    ],
  },
);

const source = {
  kind: "process",
  command: "npx",
  args: ["-y", "@acme/weather@1.2.0", "Rome"],
  env: { TOKEN: "${secret:weather-token}", UNIT: "c" },
};

test("a server is registered as it is described, its secret kept first, and waited for", async () => {
  const ran = await add(asking, ["--set", "city=Rome", "--env", "TOKEN=hunter2"]);
  assert.equal(ran.status, 0, ran.stderr);
  assert.match(ran.stdout, /^server weather is ready/);
  assert.match(
    ran.stderr,
    /^io\.example\/weather 1\.2\.0, npm @acme\/weather@1\.2\.0\nruns: npx -y @acme\/weather@1\.2\.0 Rome, with TOKEN, UNIT in its environment\nsecret weather-token is kept\n/,
  );
  assert.deepEqual(
    ran.asked.slice(0, 5).map(({ method, path }) => `${method} ${path}`),
    [
      "GET /api/v1/servers/weather",
      "GET /api/v1/secrets/weather-token",
      "PUT /api/v1/servers/weather?dryRun=true",
      "PUT /api/v1/secrets/weather-token",
      "POST /api/v1/servers",
    ],
  );
  assert.deepEqual(JSON.parse(ran.asked[3]?.body ?? ""), {
    metadata: { name: "weather-token" },
    spec: { value: "hunter2" },
  });
  assert.deepEqual(JSON.parse(ran.asked[4]?.body ?? ""), {
    kind: "Server",
    metadata: { name: "weather" },
    spec: { source },
  });
});

test("what is needed is asked for in a terminal, the secret unseen, and asked again when it cannot be", async () => {
  const ran = await add(asking, "--no-wait", { lines: ["", "Rome", "k", "", "y"], typed: "hunter2" });
  assert.equal(ran.status, 0, ran.stderr);
  assert.deepEqual(JSON.parse(ran.asked[4]?.body ?? "").spec.source, source);
  assert.ok(ran.stderr.includes("argument city: Where\n> "), ran.stderr);
  assert.ok(ran.stderr.includes("environment variable UNIT (one of c, f; Enter for c)\n> "), ran.stderr);
  assert.ok(
    ran.stderr.includes("it cannot be left out") && ran.stderr.includes("that has to be one of c, f"),
    ran.stderr,
  );
  assert.ok(!ran.stderr.includes("hunter2"));
});

test("in a terminal nothing is run before it was shown and meant; --yes has decided, as a script has", async () => {
  const question = "Run this on the manager's machine? [y/N] ";
  for (const answer of ["", "n", "what?"]) {
    const ran = await add(asking, "--no-wait", { lines: ["Rome", "", answer], typed: "hunter2" });
    assert.equal(ran.status, 1);
    assert.match(ran.stderr, /runs: npx .*\nRun this on the manager's machine\? \[y\/N\] nothing was changed\n$/);
    assert.deepEqual(ran.asked, []);
  }
  const decided = await add(asking, "--no-wait --yes", { lines: ["Rome", ""], typed: "hunter2" });
  assert.equal(decided.status, 0);
  assert.ok(!decided.stderr.includes(question));
});

test("in a pipe everything that is missing is listed, and nothing is asked of the manager", async () => {
  const ran = await add(asking, "");
  assert.equal(ran.status, 2);
  assert.deepEqual(ran.stderr.split("\n"), [
    "mcp-manager: server weather: 2 fields are wrong:",
    "  --set city=VALUE: given nothing, expected argument city (Where)",
    "  --set TOKEN=VALUE: given nothing, expected environment variable TOKEN (Your key)",
    "",
  ]);
  assert.deepEqual(ran.asked, []);
});

test("a reference is taken as the secret it is; what is not asked for is refused by --set and taken by --env", async () => {
  const reference = await add(asking, ["--set", "city=Rome", "--set", "TOKEN=${env:WX}", "--env", "MORE=1", "--print"]);
  assert.deepEqual(reference.asked, []);
  assert.equal(
    reference.stdout,
    [
      "kind: Server",
      "metadata:",
      "  name: weather",
      "spec:",
      "  source:",
      "    kind: process",
      "    command: npx",
      "    args:",
      "      - -y",
      '      - "@acme/weather@1.2.0"',
      "      - Rome",
      "    env:",
      "      TOKEN: ${env:WX}",
      "      UNIT: c",
      '      MORE: "1"',
      "",
    ].join("\n"),
  );
  assert.match(reference.stderr, /the manager needs WX in its environment\n$/);
  const unknown = await add(asking, "--set city=Rome --set TOKEM=x");
  assert.match(unknown.stderr, /TOKEM: given a value, expected one of city, TOKEN, UNIT, DEBUG; did you mean TOKEN\?/);
  assert.equal((await add(asking, "--set city")).status, 2);
});

test("--print with a literal secret holds a reference, and says which secret to keep", async () => {
  const ran = await add(asking, "--set city=Rome --set TOKEN=hunter2 --print -o json");
  assert.deepEqual(JSON.parse(ran.stdout).spec.source, source);
  assert.match(ran.stderr, /mcp-manager secret set weather-token/);
  assert.ok(!ran.stderr.includes("hunter2"));
});

test("--dry-run has the manager check and keeps nothing", async () => {
  const ran = await add(asking, "--set city=Rome --set TOKEN=x --dry-run");
  assert.deepEqual([ran.status, ran.stdout], [0, "server weather is valid; nothing was changed\n"]);
  assert.ok(ran.asked.every(({ method, path }) => method === "GET" || path.endsWith("?dryRun=true")));
});

test("a server of that name is not overwritten, but by --replace; --as has it called otherwise", async () => {
  const there: Answers = {
    ...empty,
    "GET /api/v1/servers/weather": [[200, serverOf("weather")]],
    "PUT /api/v1/servers/weather": [[200, serverOf("weather")]],
  };
  const refused = await add(weatherJson(), "", {}, there);
  assert.equal(refused.status, 1);
  assert.match(
    refused.stderr,
    /server "weather" exists: choose another name with --as, or change that one with --replace/,
  );
  const replaced = await add(weatherJson(), "--replace --no-wait", {}, there);
  assert.equal(replaced.status, 0, replaced.stderr);
  assert.match((await add(weatherJson(), "--as wx --print")).stdout, /name: wx\n/);
  assert.equal((await add(weatherJson(), "--as W_X --print")).status, 2);
});

test("a secret that others use is not given another value", async () => {
  const kept = (usedBy: readonly string[]): Answers => ({
    ...empty,
    "GET /api/v1/secrets/weather-token": [[200, { status: { usedBy } }]],
  });
  const typed = { lines: ["Rome", "", "y"], typed: "hunter2" };
  const others = await add(asking, "--no-wait", typed, kept(["server other", "server weather"]));
  assert.equal(others.status, 1, others.stderr);
  assert.match(others.stderr, /the secret weather-token is used by server other: choose another name .* with --as/);
  assert.ok(others.asked.every(({ method }) => method === "GET"));
  assert.equal((await add(asking, "--no-wait", typed, kept(["server weather"]))).status, 0);
});

test("of several ways the first that can be gone is taken, another by --use, and one that cannot be gone is refused with why", async () => {
  const both = weatherJson(
    { remotes: [{ type: "streamable-http", url: "https://example.com/mcp" }] },
    { registryType: "oci" },
  );
  const ran = await add(both, "--print");
  assert.match(ran.stdout, /url: https:\/\/example\.com\/mcp\n/);
  const oci = await add(both, "--use oci");
  assert.deepEqual(oci.status, 1);
  assert.match(
    oci.stderr,
    /io\.example\/weather cannot be run here: oci @acme\/weather@1\.2\.0: it is a container image, .* not available yet/,
  );
  assert.match((await add(both, "--use npm")).stderr, /cannot be run by npm: it offers oci, streamable-http/);
  const remotes = [{ type: "sse", url: "https://example.com/sse" }];
  assert.match((await add(weatherJson({ remotes }), "--print")).stderr, /it can also be run by sse: --use KIND/);
});

test("a name that the registry does not know, and one that is none, are told with what to do", async () => {
  await using registry = await fakeRegistry({});
  const unknown = await type(["registry", "add", "io.example/weather@9.9.9", "--registry", registry.url]);
  assert.equal(unknown.status, 1);
  assert.equal(
    unknown.stderr,
    `mcp-manager: the registry ${registry.url} has no version 9.9.9 of "io.example/weather": look for it with mcp-manager registry search weather\n`,
  );
  assert.deepEqual(registry.asked, ["/v0.1/servers/io.example%2Fweather/versions/9.9.9"]);
  assert.equal((await type("registry add weather")).status, 2);
});

test("a file is read instead, and a broken one told field by field", async () => {
  const folder = await mkdtemp(join(tmpdir(), "mcp-manager-server-json-"));
  await writeFile(join(folder, "server.json"), JSON.stringify(weatherJson()));
  await writeFile(join(folder, "broken.json"), JSON.stringify({ name: "x" }));
  const ran = await type("registry add ./server.json --print", { cwd: folder });
  const broken = await type("registry add broken.json --print", { cwd: folder });
  const none = await type("registry add ./none.json", { cwd: folder });
  await rm(folder, { recursive: true });
  assert.match(ran.stdout, /- "@acme\/weather@1\.2\.0"/);
  assert.match(broken.stderr, /broken\.json: 2 fields are wrong:\n {2}name: given "x", expected a name like/);
  assert.match(none.stderr, /cannot read \.\/none\.json: there is no such file/);
});

test("what a description says does not drive the terminal", async () => {
  const ran = await add(
    weatherJson(
      { remotes: [{ type: "\u001B[2J", url: "x" }] },
      { packageArguments: [{ type: "positional", value: "\u001B[31mred" }] },
    ),
    "--print",
  );
  assert.ok(!(ran.stderr + ran.stdout).includes("\u001B"), ran.stderr);
  const unit = { name: "UNIT", choices: ["\u001B[2Jc"], isRequired: true };
  const asked = await add(weatherJson({}, { environmentVariables: [unit] }), "--print", { lines: ["x", "\u001B[2Jc"] });
  assert.match(asked.stderr, /that has to be one of c/);
  assert.ok(!(asked.stderr + asked.stdout).includes("\u001B"), asked.stderr);
});

test("what will run is shown as it would be typed: where each argument ends, and which variables are set", async () => {
  const packaged = {
    packageArguments: [{ type: "positional", value: "a --b" }],
    environmentVariables: [{ name: "NODE_OPTIONS", value: "--import=x" }],
  };
  const { stderr } = await add(weatherJson({}, packaged), "--print");
  assert.match(stderr, /^runs: npx -y @acme\/weather@1\.2\.0 "a --b", with NODE_OPTIONS in its environment$/m);
});
