import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { readConfigFile } from "./config-file.ts";
import { explain } from "./explain.ts";
import { valueAt } from "./field-path.ts";
import { loadConfig } from "./load.ts";
import { originText } from "./origin.ts";
import { settings } from "./setting.ts";
import { load, mistakes, refusal } from "./testing/load-text.ts";

const nothing = { flags: {}, env: {}, cwd: "/srv", readFile: () => assert.fail("no file was named") };

test("without file, variables and flags everything has its documented default", () => {
  const config = loadConfig(nothing);
  assert.deepEqual(config.settings, {
    host: "127.0.0.1",
    port: 8080,
    grpcPort: 9090,
    grpcTls: { cert: "", key: "", clientCa: "" },
    data: "/srv/data",
    allowedHosts: [],
    allowedOrigins: [],
    gateway: {
      bodySize: "4MiB",
      connections: 10_000,
      connectionsPerAddress: 1024,
      requestsPerPrincipal: 8000,
      timeouts: { headers: "10s", request: "30s", idle: "75s", stalled: "60s" },
      sessions: { idle: "30m", max: 10_000, perSecond: 1000, burst: 5000 },
      listDeadline: "2s",
      readinessDelay: "0s",
      drainTimeout: "30s",
    },
    agent: { startConcurrency: 0, spares: 1, sparesMax: 64 },
    capacity: { replicas: 0, processes: 0, memory: "0B" },
    egress: { allow: [] },
    sandbox: { default: "trusted", minimum: "trusted" },
    store: { kind: "sqlite", maxSize: "2GiB" },
    log: { level: "info", format: "auto" },
    audit: { enabled: true, fileSize: "10MiB", files: 5 },
  });
  assert.deepEqual(
    [...config.origins.values()],
    settings.map(() => ({ kind: "default" })),
  );
  assert.deepEqual([config.servers, config.notes, config.file, config.adminKey], [[], [], undefined, undefined]);
});

/** For a setting of each type, its three texts and how a file writes them. */
const samples = {
  port: { values: [1111, 2222, 3333], variable: "MCP_MANAGER_PORT", flag: "port" },
  host: { values: ["10.0.0.1", "::", "example.com"], variable: "MCP_MANAGER_HOST", flag: "host" },
  "gateway.sessions.idle": { values: ["1m", "2m"], variable: "MCP_MANAGER_GATEWAY_SESSIONS_IDLE", flag: undefined },
  "audit.enabled": { values: [false, true], variable: "MCP_MANAGER_AUDIT_ENABLED", flag: undefined },
  allowedHosts: { values: [["a", "b"], ["c"]], variable: "MCP_MANAGER_ALLOWED_HOSTS", flag: undefined },
} as const;

test("a flag wins over its variable, that over the file, that over the default, for any mixture of settings", () => {
  const presence = fc.record({ file: fc.boolean(), env: fc.boolean(), flag: fc.boolean() });
  const names = Object.keys(samples) as (keyof typeof samples)[];
  const mixture = fc.record(Object.fromEntries(names.map((name) => [name, presence])));
  fc.assert(
    fc.property(mixture, (given) => {
      const file: string[] = [];
      const env: Record<string, string> = {};
      const flags: Record<string, string> = {};
      for (const name of names) {
        const { values, variable, flag } = samples[name];
        const here = given[name];
        if (here?.file) file.push(yamlLine(name, values[0]));
        if (here?.env) env[variable] = String(values[1]);
        if (here?.flag && flag !== undefined) flags[flag] = String(values[2]);
      }
      const config = load(file.join("\n"), { env, flags });
      const defaults = loadConfig(nothing);
      for (const name of names) {
        const { values, variable, flag } = samples[name];
        const here = given[name];
        const path = name.split(".");
        const line = file.indexOf(yamlLine(name, values[0])) + 1;
        const [value, origin] =
          here?.flag && flag !== undefined
            ? [values[2], `flag --${flag}`]
            : here?.env
              ? [values[1], `env ${variable}`]
              : here?.file
                ? [values[0], `file servers.yaml:${line}`]
                : [valueAt(defaults.settings, path), "default"];
        assert.deepEqual(valueAt(config.settings, path), value);
        assert.equal(originText(config.origins.get(name) ?? assert.fail()), origin);
      }
    }),
  );
});

/** A setting on one line. */
function yamlLine(name: string, value: unknown): string {
  const [first, ...rest] = name.split(".");
  const inner = rest.reduceRight((text, key) => `{ ${key}: ${text} }`, JSON.stringify(value));
  return `${first ?? ""}: ${inner}`;
}

test("the file is named by the flag, else by the variable, and paths are relative to the working directory", () => {
  const read: string[] = [];
  const readFile = (path: string): string => {
    read.push(path);
    return "data: state";
  };
  const env = { MCP_MANAGER_CONFIG: "b.yaml" };
  const config = loadConfig({ flags: { config: "conf/a.yaml" }, env, cwd: "/srv", readFile });
  assert.equal(config.settings.data, "/srv/state");
  assert.equal(config.file, "conf/a.yaml");
  assert.equal(loadConfig({ flags: {}, env, cwd: "/srv", readFile }).file, "b.yaml");
  assert.deepEqual(read, ["/srv/conf/a.yaml", "/srv/b.yaml"]);
});

test("a relative cwd of a server is relative to the file, and one that was left out stays so", () => {
  const text = "servers: { a: { command: x, cwd: tools }, b: { command: x, cwd: /opt }, c: { command: x } }";
  const config = loadConfig({ flags: { config: "conf/a.yaml" }, env: {}, cwd: "/srv", readFile: () => text });
  const cwds = config.servers.map(({ draft: { spec } }) => (spec.source.kind === "process" ? spec.source.cwd : "none"));
  assert.deepEqual(cwds, ["/srv/conf/tools", "/opt", undefined]);
});

test("a file that cannot be read is named, with the reason", () => {
  const directory = mkdtempSync(join(tmpdir(), "config-"));
  try {
    const of = (config: string): string =>
      refusal(() => loadConfig({ flags: { config }, env: {}, cwd: directory, readFile: readConfigFile })).message;
    assert.equal(of("none.yaml"), "cannot read the configuration file none.yaml: there is no such file");
    assert.match(of("."), /^cannot read the configuration file \.: .*EISDIR/);
    writeFileSync(join(directory, "large.yaml"), "#".repeat(5 * 1024 * 1024));
    assert.match(of("large.yaml"), /it is larger than 4 MiB/);
    writeFileSync(join(directory, "a.yaml"), "port: 1");
    const config = loadConfig({ flags: { config: "a.yaml" }, env: {}, cwd: directory, readFile: readConfigFile });
    assert.equal(config.settings.port, 1);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test("all mistakes of file, environment and flags are reported at once, each with its place", () => {
  const text = [
    "prot: 1",
    "log: { level: loud }",
    "gateway:",
    "  bodySize: 4MB",
    "  sessions: { idle: 48h }",
    "servers:",
    "  weather:",
    "    comand: npx",
    "  time: { command: npx -y time }",
  ].join("\n");
  const env = { MCP_MANAGER_PORT: "http", MCP_MANAGER_AUDIT_ENABLED: "yes" };
  const error = refusal(() => load(text, { env, flags: { grpcPort: "99999" } }));
  assert.equal(error.reason, "INVALID_CONFIG");
  assert.equal(
    error.message,
    [
      "the configuration has 9 mistakes:",
      "  servers.yaml:1:1 prot: given a number, expected no such field; did you mean port? (known here: host, port, " +
        "grpcPort, grpcTls, data, allowedHosts, allowedOrigins, gateway, agent, capacity, egress, sandbox, store, log, audit, servers, $schema);",
      '  servers.yaml:2:8 log.level: given "loud", expected one of debug, info, warn, error;',
      '  servers.yaml:4:3 gateway.bodySize: given "4MB", expected a size from 1KiB to 256MiB, such as 512KiB or 10MiB;',
      '  servers.yaml:5:15 gateway.sessions.idle: given "48h", expected a duration from 1s to 24h, such as 250ms, 30s, 10m or 1h;',
      "  servers.yaml:7:3 servers.weather: given none of them, expected command, url or source; is comand meant to be command?;",
      "  servers.yaml:9:11 servers.time.command: given text (not shown), expected the program alone; its arguments go into args, one each;",
      '  MCP_MANAGER_PORT: given "http", expected a whole number from 0 to 65535;',
      '  MCP_MANAGER_AUDIT_ENABLED: given "yes", expected true or false;',
      "  --grpc-port: given 99999, expected a whole number from 0 to 65535, or off",
    ].join("\n"),
  );
});

test("a mistake is reported even where a higher layer would hide it", () => {
  assert.deepEqual(
    mistakes(() => load("port: x", { env: { MCP_MANAGER_PORT: "y" }, flags: { port: "1" } })).map(
      (text) => text.split(":")[0],
    ),
    ["servers.yaml", "MCP_MANAGER_PORT"],
  );
});

test("empty variables count as not set", () => {
  const config = load("", { env: { MCP_MANAGER_PORT: "", MCP_MANAGER_ADMIN_KEY: "" } });
  assert.equal(config.settings.port, 8080);
  assert.equal(config.adminKey, undefined);
});

test("variables that mean nothing are warned about with the nearest known one, and without their values", () => {
  const env = {
    MCP_MANAGER_PROT: "hunter2",
    MCP_MANAGER_LOGLEVEL: "debug",
    MCP_MANAGER_QQQQQQQQ: "1",
    MCP_MANAGER_URL: "http://x",
    MCP_MANAGER_API_KEY: "k",
    MCP_MANAGER_RESTARTED: "1",
    MCP_MANAGER_CONFIG: "servers.yaml",
    MCP_MANAGER_ADMIN_KEY: "k",
    PATH: "/bin",
  };
  assert.deepEqual(
    load("", { env }).notes.map(({ message }) => message),
    [
      "the environment variable MCP_MANAGER_PROT means nothing; did you mean MCP_MANAGER_PORT?",
      "the environment variable MCP_MANAGER_LOGLEVEL means nothing; did you mean MCP_MANAGER_LOG_LEVEL?",
      "the environment variable MCP_MANAGER_QQQQQQQQ means nothing",
    ],
  );
});

test("what Kubernetes sets for a Service named mcp-manager is neither a port nor a mistake", () => {
  const env = {
    MCP_MANAGER_PORT: "tcp://10.0.0.1:8080",
    MCP_MANAGER_PORT_8080_TCP: "tcp://10.0.0.1:8080",
    MCP_MANAGER_PORT_8080_TCP_PROTO: "tcp",
    MCP_MANAGER_PORT_8080_TCP_PORT: "8080",
    MCP_MANAGER_PORT_8080_TCP_ADDR: "10.0.0.1",
    MCP_MANAGER_SERVICE_HOST: "10.0.0.1",
    MCP_MANAGER_SERVICE_PORT: "8080",
    MCP_MANAGER_SERVICE_PORT_HTTP: "8080",
  };
  const config = load("", { env });
  assert.equal(config.settings.port, 8080);
  assert.deepEqual(config.notes, []);
});

test("the gRPC port is a number, or off", () => {
  assert.equal(load("", { flags: { grpcPort: "0" } }).settings.grpcPort, 0);
  assert.equal(load("", { env: { MCP_MANAGER_GRPC_PORT: "off" } }).settings.grpcPort, "off");
  assert.equal(load("grpcPort: off").settings.grpcPort, "off");
  assert.throws(() => load("grpcPort: on"), /expected a whole number from 0 to 65535, or off/);
});

test("the explanation shows every setting and server with its origin, and no secret", () => {
  const text = "port: 1\nservers: { s: { command: npx, args: [--token, hunter2], env: { A: hunter2 } } }";
  const config = load(text, { env: { MCP_MANAGER_ADMIN_KEY: "hunter2", MCP_MANAGER_ALLOWED_HOSTS: "a.b, c" } });
  assert.equal(config.adminKey, "hunter2");
  const lines = explain(config);
  assert.equal(lines.length, settings.length + 1);
  assert.match(lines.join("\n"), /^port +1 +file servers\.yaml:1$/m);
  assert.match(lines.join("\n"), /^allowedHosts +a\.b, c +env MCP_MANAGER_ALLOWED_HOSTS$/m);
  assert.match(lines.join("\n"), /^servers\.s +process +file servers\.yaml:2$/m);
  assert.doesNotMatch(lines.join("\n"), /hunter2/);
});
