/**
 * Servers as our own files hold them: by name under `servers`, in short or in full, or as `kind: Server` documents, the form that
 * `server apply -f` reads and `server get -o yaml` prints.
 */
import { describe, nearest } from "@mcp-manager/api";
import type { Candidate, Found } from "./candidate.ts";
import { problemAt } from "./candidate.ts";
import type { ConfigDocument } from "./document.ts";
import type { FieldPath } from "./field-path.ts";
import { fieldText, isRecord } from "./field-path.ts";

type Fields = Readonly<Record<string, unknown>>;

/** What may stand beside the other fields of a spec instead of inside `source`. */
const processFields = ["command", "args", "cwd", "env"];
const remoteFields = ["url", "transport", "headers"];

/** The Server documents of `document`; undefined when it is none. */
export function readResources(document: ConfigDocument): Found | undefined {
  const { value } = document;
  if (Array.isArray(value)) return resourceList(document, [], value);
  if (!isRecord(value)) return undefined;
  if (Array.isArray(value["items"])) return resourceList(document, ["items"], value["items"]);
  return value["kind"] === undefined ? undefined : resourceList(document, [], [value], true);
}

/** What stands under `servers`. */
export function readServers(document: ConfigDocument, servers: unknown): Found {
  if (servers === undefined || servers === null) return { candidates: [], problems: [], notes: [] };
  if (Array.isArray(servers)) return resourceList(document, ["servers"], servers);
  if (isRecord(servers)) return merge(Object.entries(servers).map(([name, entry]) => readEntry(document, name, entry)));
  const expected = "an object of names and servers, or a list of Servers";
  return failure(document, ["servers"], describe(servers), expected);
}

function readEntry(document: ConfigDocument, name: string, entry: unknown): Found {
  const path = ["servers", name];
  if (!isRecord(entry))
    return failure(document, path, describe(entry, true), "an object with source, or with command or url");
  const { labels, ...rest } = entry;
  const metadata = {
    name,
    ...(isRecord(rest["metadata"]) ? rest["metadata"] : {}),
    ...(labels === undefined ? {} : { labels }),
  };
  if ("spec" in rest) {
    return found({
      input: { ...rest, metadata },
      name,
      document,
      path,
      locate: (field) => [...path, ...unwrapped(field)],
    });
  }
  if ("source" in rest) return found(inShort(document, path, metadata, rest, false));
  const hasCommand = "command" in rest;
  if (hasCommand && "url" in rest)
    return failure(document, [...path, "url"], "command and url", "either command or url");
  if (!hasCommand && !("url" in rest)) {
    const close = Object.keys(rest).find((key) => nearest(key, ["command", "url", "source"]) !== undefined);
    const hint =
      close === undefined ? "" : `; is ${close} meant to be ${nearest(close, ["command", "url", "source"]) ?? ""}?`;
    return failure(document, path, "none of them", `command, url or source${hint}`);
  }
  const own = hasCommand ? processFields : remoteFields;
  const source = Object.fromEntries(Object.entries(rest).filter(([key]) => own.includes(key)));
  const others = Object.fromEntries(Object.entries(rest).filter(([key]) => !own.includes(key)));
  const spec = { source: { kind: hasCommand ? "process" : "remote", ...source }, ...others };
  return found(inShort(document, path, metadata, spec, true));
}

/** The fields of a spec, and with `isFlat` those of its source too, stand directly under the name. */
function inShort(
  document: ConfigDocument,
  path: FieldPath,
  metadata: Fields,
  spec: Fields,
  isFlat: boolean,
): Candidate {
  const locate = (field: FieldPath): FieldPath => {
    if (isFlat && field[0] === "spec" && field[1] === "source") return [...path, ...field.slice(2)];
    return [...path, ...(field[0] === "spec" ? field.slice(1) : unwrapped(field))];
  };
  return { input: { metadata, spec }, document, path, locate };
}

/** A field of the metadata as it stands under a name: the name is the key, the labels are beside the rest. */
function unwrapped(field: FieldPath): FieldPath {
  if (field[0] !== "metadata") return field;
  return field[1] === "labels" ? field.slice(1) : [];
}

function resourceList(document: ConfigDocument, at: FieldPath, items: readonly unknown[], isSingle = false): Found {
  return merge(
    items.map((input, index) => {
      const path = isSingle ? at : [...at, index];
      if (!isRecord(input)) return failure(document, path, describe(input, true), "a Server");
      const { kind } = input;
      if (kind !== undefined && kind !== "Server")
        return failure(document, [...path, "kind"], describe(kind), "Server: a configuration file holds no other kind");
      return found({ input, document, path, locate: (field) => [...path, ...field] });
    }),
  );
}

function found(candidate: Candidate): Found {
  return { candidates: [candidate], problems: [], notes: [] };
}

function failure(document: ConfigDocument, path: FieldPath, given: string, expected: string): Found {
  return {
    candidates: [],
    problems: [problemAt(document, path, { field: fieldText(path), given, expected })],
    notes: [],
  };
}

/** All of them together. */
export function merge(parts: readonly Found[]): Found {
  return {
    candidates: parts.flatMap(({ candidates }) => candidates),
    problems: parts.flatMap(({ problems }) => problems),
    notes: parts.flatMap(({ notes }) => notes),
  };
}
