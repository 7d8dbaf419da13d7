/**
 * The reference of the configuration, written from the schemas: a JSON Schema for editors and the page for people.
 * `reference.test.ts` compares them with what is in `docs/reference`, and rewrites that when told to.
 */
import { openApiDocument } from "@mcp-manager/api";
import { clientFormats } from "../client-formats.ts";
import { isRecord, valueAt } from "../field-path.ts";
import type { Setting } from "../setting.ts";
import { settings, settingsJsonSchema } from "../setting.ts";

type Schema = Readonly<Record<string, unknown>>;

/** The JSON Schema of a file of ours. */
export function configSchema(): Schema {
  const server = at(openApiDocument("0"), ["components", "schemas", "ServerInput"]);
  const { properties: specFields } = at(server, ["properties", "spec"]);
  const source = (kind: number): Schema =>
    at(server, ["properties", "spec", "properties", "source", "oneOf", kind, "properties"]);
  const { kind: _, ...sourceFields } = { ...source(0), ...source(1) };
  const entry = {
    description: "A server in short: its command or url, and any field of a Server's spec.",
    type: "object",
    properties: {
      labels: at(server, ["properties", "metadata", "properties", "labels"]),
      ...sourceFields,
      ...(isRecord(specFields) ? specFields : {}),
      spec: { $ref: "#/$defs/Server/properties/spec" },
      metadata: { $ref: "#/$defs/Server/properties/metadata" },
      kind: { const: "Server" },
    },
    anyOf: ["command", "url", "source", "spec"].map((field) => ({ required: [field] })),
    additionalProperties: false,
  };
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "Configuration of MCP Manager",
    type: "object",
    properties: {
      $schema: { type: "string" },
      ...at(settingsJsonSchema, ["properties"]),
      servers: {
        description: "The servers to run, by name or as a list of Server resources.",
        anyOf: [
          { type: "object", additionalProperties: { $ref: "#/$defs/entry" } },
          { type: "array", items: { $ref: "#/$defs/Server" } },
        ],
      },
    },
    additionalProperties: false,
    $defs: { entry, Server: server },
  };
}

/** The reference page, in Markdown. */
export function configurationPage(): string {
  const clients = Object.values(clientFormats).map(({ clients: names, key }) => `| ${names} | \`${key}\` |`);
  return [intro, table(), precedence, servers, clientsIntro, ...clients, "", clientRules].join("\n");
}

function table(): string {
  const rows = settings.map((setting) => {
    const { name, variable, flag, meaning, choices } = setting;
    const values = choices.length === 0 ? "" : ` One of ${choices.map((word) => `\`${word}\``).join(", ")}.`;
    const names = [`\`${variable}\``, ...(flag === undefined ? [] : [`\`${flag}\``])].join("<br>");
    return `| \`${name}\` | ${defaultText(setting)} | ${names} | ${meaning}${values} |`;
  });
  return ["| setting | default | variable, flag | meaning |", "| --- | --- | --- | --- |", ...rows, ""].join("\n");
}

function defaultText({ default: value }: Setting): string {
  return value === "" || (Array.isArray(value) && value.length === 0) ? "none" : `\`${String(value)}\``;
}

function at(value: unknown, path: readonly (string | number)[]): Schema {
  const found = valueAt(value, path);
  return isRecord(found) ? found : {};
}

const intro = `# Configuration

<!-- Written from the settings' schemas. To change it, change those and run
UPDATE_REFERENCE=1 node --conditions=mcp-manager-source --test packages/manager/src/config/reference.test.ts -->

\`mcp-manager up --config servers.yaml\` reads one file: ours, or the one an MCP client has already. Without \`--config\` (or
\`MCP_MANAGER_CONFIG\`) no file is read, so that starting the program in somebody else's directory runs nothing of theirs.

\`\`\`yaml
# yaml-language-server: $schema=./config.schema.json
port: 8080
gateway:
  drainTimeout: 1m
servers:
  weather:
    command: npx
    args: [-y, "@acme/weather-mcp@2.1.0"]
    env: { TOKEN: "\${env:WEATHER_TOKEN}" }
  search:
    url: https://search.example.com/mcp
    headers: { Authorization: "Bearer \${file:/run/secrets/search}" }
    replicas: 2
\`\`\`

## Settings
`;

const precedence = `A flag wins over its variable, that over the file, that over the default. An empty variable counts as not set; lists are written with
commas in a variable. Durations are \`250ms\`, \`30s\`, \`10m\`, \`1h\`; sizes \`512KiB\`, \`10MiB\`, \`2GiB\`. A variable that begins with
\`MCP_MANAGER_\` and means nothing is warned about.

\`MCP_MANAGER_ADMIN_KEY\` gives the first admin key. It is no setting: it is not in the file, and it is shown nowhere.

A mistake stops the start, with every mistake named: file, line and column, the field, what was given and what is allowed. Nothing is
changed then.
`;

const servers = `## Servers

Under \`servers\`, by name, each in one of these forms; all of them can be in one file.

\`\`\`yaml
servers:
  short: { command: npx, args: [-y, a-server], replicas: 2 } # command or url, and any field of a spec
  with-source: { source: { kind: remote, url: "https://example.com/mcp" } } # a spec
  in-full: { labels: { team: a }, spec: { source: { kind: process, command: ./server } } }
\`\`\`

\`servers\` may also be a list of Server resources, and a file may consist of them: the documents that \`server apply -f\` reads and
\`server get -o yaml\` prints.

\`env\` and \`headers\` may hold \`\${env:NAME}\`, \`\${env:NAME:-fallback}\` and \`\${file:/path}\`, replaced when the server starts; \`$\${\` is a
literal \`\${\`. So the file needs no secrets.

A server is changed by the file only when what the file says about *this* server has changed since the last start: moving lines, comments and
other servers do not count, and what was changed through the API stays.
`;

const clientsIntro = `## Files of MCP clients

JSON with comments and trailing commas, read as it is. It holds servers only; settings come from variables and flags.

| client | servers under |
| --- | --- |`;

const clientRules = `- \`command\` makes a process, \`url\`, \`serverUrl\` or \`httpUrl\` a remote server; both together are refused. \`type: "sse"\` is the older
  HTTP+SSE transport.
- A disabled server is skipped. Tools switched off by \`excludeTools\` or \`disabledTools\`, or left out of \`includeTools\`, are not shown. Other
  keys are not read; the log names them.
- A name that is not allowed here becomes one that is (\`My Server\`: \`my-server\`); the log says which.
- \`\${VAR}\`, \`\${VAR:-fallback}\`, \`\${env:VAR}\`, in opencode's file \`{env:VAR}\`, and under \`mcpServers\` a whole word \`$VAR\` in capitals, are references to
  the manager's environment. \`\${input:…}\` and \`\${workspaceFolder}\` are refused: only an editor can fill them in.
`;
