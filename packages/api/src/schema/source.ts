/** Schemas of a server's source, with the rules that keep a mistake from becoming a puzzling start failure. */
import { z } from "zod";
import { isName, nameRule } from "../name.ts";
import { findReferences, isReplaced } from "../reference.ts";
import type { ServerSource, ServerSourceInput } from "../server.ts";
import { exactly } from "./exact.ts";

/** What stands for a value that the caller may not see; refused on write, so that it never replaces the real one. */
export const hiddenValue = "(hidden)";

/** Headers that belong to the connection or to the protocol; a fixed value would break both. */
const reservedHeaders = new Set([
  "accept",
  "connection",
  "content-length",
  "content-type",
  "host",
  "last-event-id",
  "mcp-method",
  "mcp-name",
  "mcp-protocol-version",
  "mcp-session-id",
  "transfer-encoding",
  "upgrade",
]);

const line = z
  .string()
  .max(32_768, "at most 32768 characters")
  .refine((text) => !text.includes("\0"), "text without NUL characters");

/** Text in which references would stand unreplaced. */
const plain = line.refine(
  (text) => !findReferences(text).some(isReplaced),
  "text without references: they are replaced in args, env and headers only",
);

/** An argument. What is no reference of ours stays as it is written: a shell, or the server, may make something of it. */
const argument = line.check(({ value: text, issues }) => {
  const expected = findReferences(text)
    .filter(isReplaced)
    .flatMap((reference) => wrong(reference) ?? [])[0];
  if (expected !== undefined) issues.push({ code: "custom", input: text, message: expected });
});

/** A value of `env` or `headers`: text whose references can all be replaced. */
const value = line.check(({ value: text, issues }) => {
  const expected = text === hiddenValue ? `the real value, not "${hiddenValue}"` : findReferences(text).map(wrong)[0];
  if (expected !== undefined) issues.push({ code: "custom", input: text, message: expected });
});

function wrong({ text, source, key }: { text: string; source: string; key: string }): string | undefined {
  if (source === "secret")
    return isName(key) ? undefined : `the name of a Secret, as in \${secret:my-token} (${nameRule})`;
  if (source === "")
    return `\${env:${key}} to take it from the manager's environment (write $${text} for the literal text)`;
  if (source === "env" && /^[A-Za-z_][A-Za-z0-9_]*$/.test(key)) return undefined;
  if (source === "file" && key.startsWith("/")) return undefined;
  return "references like ${secret:name}, ${env:NAME}, ${env:NAME:-fallback} or ${file:/absolute/path} (write $${ for a literal ${)";
}

const entriesMax = 256;
const fewEntries = (entries: object): boolean => Object.keys(entries).length <= entriesMax;

const processSource = z.strictObject({
  kind: z.literal("process"),
  command: plain
    .min(1, "a program on the PATH or a path to one, such as npx")
    .refine(
      (text) => !/\s/.test(text) || /[/\\]/.test(text),
      "the program alone; its arguments go into args, one each",
    ),
  args: z.array(argument).max(entriesMax, `at most ${entriesMax} arguments`).default([]),
  cwd: plain.min(1, "a directory").exactOptional(),
  env: z
    .record(z.string().regex(/^[^=\0]+$/, "a variable's name, without ="), value)
    .refine(fewEntries, `at most ${entriesMax} variables`)
    .default({}),
});

const remoteSource = z.strictObject({
  kind: z.literal("remote"),
  url: plain.refine(isServerUrl, "an http:// or https:// URL without user name, password and #fragment"),
  transport: z.enum(["streamable-http", "sse"]).default("streamable-http"),
  headers: z
    .record(
      z
        .string()
        .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/, "a header's name")
        .refine((name) => !reservedHeaders.has(name.toLowerCase()), "a header that the protocol does not set itself"),
      value.refine((text) => !/[\r\n]/.test(text), "one line"),
    )
    .refine(fewEntries, `at most ${entriesMax} headers`)
    .default({}),
});

function isServerUrl(text: string): boolean {
  const url = URL.parse(text);
  if (url === null || !["http:", "https:"].includes(url.protocol)) return false;
  return url.username === "" && url.password === "" && url.hash === "";
}

/** A source as written → with every default. */
export const sourceSchema: z.ZodType<ServerSource, ServerSourceInput> = exactly<ServerSource, ServerSourceInput>()(
  z.discriminatedUnion("kind", [processSource, remoteSource]),
);
