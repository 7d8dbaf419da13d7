/** Where a value came from, so that nobody has to guess which of file, environment and flags won. */

/** Where a value came from. */
export type Origin =
  | { readonly kind: "default" }
  /** `path` is as the user wrote it. */
  | { readonly kind: "file"; readonly path: string; readonly line: number }
  | { readonly kind: "env"; readonly variable: string }
  | { readonly kind: "flag"; readonly flag: string };

/** `default`, `file servers.yaml:3`, `env MCP_MANAGER_PORT`, `flag --port`. */
export function originText(origin: Origin): string {
  switch (origin.kind) {
    case "default":
      return "default";
    case "file":
      return `file ${origin.path}:${origin.line}`;
    case "env":
      return `env ${origin.variable}`;
    case "flag":
      return `flag ${origin.flag}`;
  }
}
