/** Two revisions of one tool, prompt, resource or template, as changes. Pure. */
import { compareSchemas } from "./compare-schemas.ts";
import type { FoundChanges } from "./found-changes.ts";
import { byKey, type JsonObject, memberOf, objectOf, type StructuralIds, textOf } from "./json.ts";
import type { Effort } from "./narrowings.ts";

export interface CompareItemOptions {
  /** `tool get_forecast`. */
  readonly subject: string;
  readonly changes: FoundChanges;
  readonly ids: StructuralIds;
  readonly effort: Effort;
}

type CompareItem = (from: JsonObject, to: JsonObject, options: CompareItemOptions) => void;

/** What a tool takes, gives, and says of itself. */
export const compareTool: CompareItem = (from, to, options) => {
  const { inputSchema: input, outputSchema: output, annotations, execution, ...rest } = from;
  compareSchemas(input, to["inputSchema"], { ...options, side: "input" });
  compareHeaders(input, to["inputSchema"], options);
  compareOutput(output, to["outputSchema"], options);
  compareHints(objectOf(annotations) ?? {}, objectOf(to["annotations"]) ?? {}, options);
  compareTaskSupport(objectOf(execution) ?? {}, objectOf(to["execution"]) ?? {}, options);
  const { inputSchema: _i, outputSchema: _o, annotations: _a, execution: _e, ...now } = to;
  compareTexts(rest, now, options);
};

/** What a prompt takes, and says of itself. */
export const comparePrompt: CompareItem = (from, to, options) => {
  const { arguments: before, ...rest } = from;
  const { arguments: after, ...now } = to;
  const { subject, changes } = options;
  const [known, wanted] = [byKey(before, "name"), byKey(after, "name")];
  for (const name of known.keys()) {
    if (!wanted.has(name)) changes.add("breaking", subject, `the argument "${name}" is gone`);
  }
  for (const [name, argument] of wanted) compareArgument(name, known.get(name), argument, options);
  compareTexts(rest, now, options);
};

/** Of a resource and of a template: its type is what is read, all else is said of it. */
export const compareResource: CompareItem = (from, to, options) => {
  const { mimeType: before, ...rest } = from;
  const { mimeType: after, ...now } = to;
  if (before !== after) {
    const message = `its MIME type is ${shown(after)}, which was ${shown(before)}`;
    options.changes.add(before === undefined ? "additive" : "breaking", options.subject, message);
  }
  compareTexts(rest, now, options);
};

/** Everything that is said and has no rule of its own: whatever is other is for somebody to read. */
export function compareTexts(from: JsonObject, to: JsonObject, options: CompareItemOptions, of = ""): void {
  const { ids, changes, subject } = options;
  for (const name of new Set([...Object.keys(from), ...Object.keys(to)])) {
    const [before, after] = [memberOf(from, name), memberOf(to, name)];
    if (ids.of(before) === ids.of(after)) continue;
    const what = before === undefined ? "is new" : after === undefined ? "is gone" : "reads otherwise";
    changes.text(subject, `${of === "" ? "its" : "the"} ${name}${of} ${what}`, textOf(before), textOf(after));
  }
}

function compareArgument(
  name: string,
  from: JsonObject | undefined,
  to: JsonObject,
  options: CompareItemOptions,
): void {
  const { subject, changes } = options;
  const { required: wasRequired, ...was } = from ?? {};
  const { required, ...is } = to;
  const [before, after] = [wasRequired === true, required === true];
  const argument = `the argument "${name}"`;
  if (from === undefined) {
    changes.add(after ? "breaking" : "additive", subject, `${argument} is new${after ? " and required" : ""}`);
    return;
  }
  if (!before && after) changes.add("breaking", subject, `${argument} is required now`);
  if (before && !after) changes.add("additive", subject, `${argument} is no longer required`);
  compareTexts(was, is, options, ` of ${argument}`);
}

function compareOutput(from: unknown, to: unknown, options: CompareItemOptions): void {
  const { subject, changes } = options;
  if (from === undefined && to !== undefined) changes.add("additive", subject, "it has an output schema now");
  else if (from !== undefined && to === undefined) changes.add("breaking", subject, "its output schema is gone");
  else compareSchemas(from, to, { ...options, side: "output" });
}

/** Hints as they hold where nothing is said (2025-11-25, schema: ToolAnnotations); a tool that only reads destroys nothing. */
function compareHints(from: JsonObject, to: JsonObject, options: CompareItemOptions): void {
  const { subject, changes } = options;
  const reads = (hints: JsonObject): boolean => hints["readOnlyHint"] === true;
  const destroys = (hints: JsonObject): boolean => !reads(hints) && hints["destructiveHint"] !== false;
  if (reads(from) && !reads(to))
    changes.add("breaking", subject, "it no longer says that it only reads (readOnlyHint)");
  if (!destroys(from) && destroys(to))
    changes.add("breaking", subject, "it may destroy something now (destructiveHint)");
  compareTexts(from, to, options, " of its annotations");
}

function compareTaskSupport(from: JsonObject, to: JsonObject, options: CompareItemOptions): void {
  const { taskSupport: before = "forbidden", ...rest } = from;
  const { taskSupport: after = "forbidden", ...now } = to;
  if (before !== after) {
    const message = `its taskSupport is ${shown(after)}, which was ${shown(before)}`;
    const isMore = before === "forbidden" && after === "optional";
    options.changes.add(isMore ? "additive" : "breaking", options.subject, message);
  }
  compareTexts(rest, now, options, " of its execution");
}

/** `x-mcp-header`: a client that lists no more repeats an argument in the wrong header, or in none, and is refused. */
function compareHeaders(from: unknown, to: unknown, { subject, changes }: CompareItemOptions): void {
  const [before, after] = [headersOf(from), headersOf(to)];
  for (const [argument, header] of after) {
    const known = before.get(argument);
    // What is new is sent by nobody yet.
    if (known === header || !before.has(argument)) continue;
    const is = header === undefined ? "no header" : `the header ${shown(header)}`;
    const message = `the input "${argument}" has ${is} (x-mcp-header), which was ${shown(known)}`;
    changes.add(header === undefined ? "additive" : "breaking", subject, message);
  }
}

/** Every argument that a chain of `properties` leads to, with the header it is repeated in. */
function headersOf(schema: unknown): ReadonlyMap<string, unknown> {
  const found = new Map<string, unknown>();
  const visit = (node: unknown, path: string): void => {
    for (const [name, child] of Object.entries(objectOf(memberOf(objectOf(node) ?? {}, "properties")) ?? {})) {
      const at = path === "" ? name : `${path}.${name}`;
      found.set(at, memberOf(objectOf(child) ?? {}, "x-mcp-header"));
      visit(child, at);
    }
  };
  visit(schema, "");
  return found;
}

function shown(value: unknown): string {
  return value === undefined ? "none" : JSON.stringify(value);
}
