/** The configuration in force, for people: every setting with its value and where it came from, and the servers. No secrets. */
import { valueAt } from "./field-path.ts";
import type { Config } from "./load.ts";
import { originText } from "./origin.ts";
import { settings } from "./setting.ts";

/** Lines of a table: setting, value, origin; then server, kind of source, origin. A server's values are not shown. */
export function explain(config: Config): readonly string[] {
  const rows = settings.map(({ name, path }) => {
    const origin = config.origins.get(name) ?? { kind: "default" as const };
    return [name, valueText(valueAt(config.settings, path)), originText(origin)] as const;
  });
  const servers = config.servers.map(
    ({ draft, origin }) => [`servers.${draft.name}`, draft.spec.source.kind, originText(origin)] as const,
  );
  const all = [...rows, ...servers];
  const widths = [0, 1].map((column) => Math.max(...all.map((row) => row[column === 0 ? 0 : 1].length)));
  return all.map(
    ([name, value, origin]) => `${name.padEnd(widths[0] ?? 0)}  ${value.padEnd(widths[1] ?? 0)}  ${origin}`,
  );
}

function valueText(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? "(none)" : value.join(", ");
  return value === "" ? "(none)" : String(value);
}
