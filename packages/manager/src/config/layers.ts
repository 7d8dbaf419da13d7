/**
 * Settings in layers: a file, the environment, the flags. Each layer is checked by itself, so that a mistake is reported even
 * where a higher layer would hide it; then the values are put over one another.
 */
import { check, ManagerError } from "@mcp-manager/api";
import { problemAt } from "./candidate.ts";
import type { ConfigDocument } from "./document.ts";
import type { Given } from "./environment.ts";
import { parseField, valueAt } from "./field-path.ts";
import type { Origin } from "./origin.ts";
import type { Problem } from "./problem.ts";
import { settings as settingList } from "./setting.ts";
import type { Settings } from "./settings.ts";
import { fileSchema, settingsSchema } from "./settings.ts";

/** What one layer sets, or what is wrong with it. */
export interface Layer {
  readonly given: readonly Given[];
  readonly problems: readonly Problem[];
}

/** The settings in a document of ours. */
export function fromDocument(document: ConfigDocument | undefined): Layer {
  if (document === undefined) return { given: [], problems: [] };
  const checked = check(fileSchema, document.value);
  if (checked.kind === "wrong") {
    const problems = checked.fields.map(({ path, given, expected }) =>
      problemAt(document, parseField(path), { field: path, given, expected }),
    );
    return { given: [], problems };
  }
  const given = settingList.flatMap(({ path }): readonly Given[] => {
    const value = valueAt(document.value, path);
    if (value === undefined) return [];
    return [{ path, value, origin: { kind: "file", path: document.path, line: document.positionOf(path).line } }];
  });
  return { given, problems: [] };
}

/** Values from the environment or from flags, each checked as if it were alone in a file. */
export function checkGiven(given: readonly Given[]): Layer {
  const problems = given.flatMap(({ path, value, origin }): readonly Problem[] => {
    const checked = check(settingsSchema, nest([{ path, value }]));
    if (checked.kind === "ok") return [];
    const place = origin.kind === "env" ? origin.variable : origin.kind === "flag" ? origin.flag : path.join(".");
    return checked.fields.map((field) => ({ place, given: field.given, expected: field.expected }));
  });
  return { given, problems };
}

/** What is in force when later values win, and where each came from. */
export function compose(given: readonly Given[]): {
  readonly settings: Settings;
  readonly origins: ReadonlyMap<string, Origin>;
} {
  const checked = check(settingsSchema, nest(given));
  if (checked.kind === "wrong")
    throw new ManagerError("internal", "settings that are right one by one are wrong together");
  const origins = new Map<string, Origin>(settingList.map(({ name }) => [name, { kind: "default" }]));
  for (const { path, origin } of given) origins.set(path.join("."), origin);
  return { settings: checked.value, origins };
}

/** Single values as the object that a file would hold. */
function nest(given: readonly Pick<Given, "path" | "value">[]): object {
  const root: Record<string, unknown> = {};
  for (const { path, value } of given) {
    let target = root;
    for (const key of path.slice(0, -1)) target = (target[key] ??= {}) as Record<string, unknown>;
    const last = path.at(-1);
    if (last !== undefined) target[last] = value;
  }
  return root;
}
