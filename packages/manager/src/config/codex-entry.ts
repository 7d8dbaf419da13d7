/**
 * What Codex writes otherwise than other clients (https://developers.openai.com/codex/mcp): variables that are passed on, headers out of
 * variables, times in seconds. Each is turned into our own words; what is of the wrong type is passed on for the check to name.
 */
import { formatDuration } from "@mcp-manager/api";
import { isRecord } from "./field-path.ts";

type Entry = Readonly<Record<string, unknown>>;

/** The keys that are read here. */
export const codexKeys: readonly string[] = [
  "env_vars",
  "http_headers",
  "env_http_headers",
  "bearer_token",
  "bearer_token_env_var",
  "startup_timeout_sec",
  "startup_timeout_ms",
  "tool_timeout_sec",
  "enabled_tools",
  "disabled_tools",
];

/** `env` with the variables of `env_vars`, which Codex passes on from its own environment. */
export function withPassedOn(env: unknown, { env_vars: names }: Entry): unknown {
  if (!Array.isArray(names) || !(env === undefined || isRecord(env))) return env;
  const passed = names.flatMap((item: unknown) => {
    const name = isRecord(item) ? item["name"] : item;
    return typeof name === "string" ? [[name, `\${env:${name}}`] as const] : [];
  });
  return { ...Object.fromEntries(passed), ...env };
}

/** `headers` with those that Codex makes from variables of its environment. */
export function withVariableHeaders(headers: unknown, entry: Entry): unknown {
  const { env_http_headers: variables, bearer_token: token, bearer_token_env_var: variable } = entry;
  const more = [
    ...Object.entries(isRecord(variables) ? variables : {}).map(([name, from]) => [name, `\${env:${String(from)}}`]),
    ...(typeof token === "string" ? [["Authorization", `Bearer ${token}`]] : []),
    ...(typeof variable === "string" ? [["Authorization", `Bearer \${env:${variable}}`]] : []),
  ];
  if (more.length === 0 || !(headers === undefined || isRecord(headers))) return headers;
  return { ...headers, ...Object.fromEntries(more) };
}

/** How long it may take to start, and how long a call. */
export function timesOf(entry: Entry): Readonly<Record<string, unknown>> {
  const { startup_timeout_sec: startSeconds, startup_timeout_ms: startMs, tool_timeout_sec: callSeconds } = entry;
  const startup = startSeconds === undefined ? durationOf(startMs, 1) : durationOf(startSeconds, 1000);
  const callTimeout = durationOf(callSeconds, 1000);
  return {
    ...(startup === undefined ? {} : { health: { startup } }),
    ...(callTimeout === undefined ? {} : { limits: { callTimeout } }),
  };
}

function durationOf(count: unknown, unitMs: number): unknown {
  return typeof count === "number" && count > 0 ? formatDuration(Math.round(count * unitMs)) : count;
}
