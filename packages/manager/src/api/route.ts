/** From a method and a path to an operation, by the table in `@mcp-manager/api`. Pure; compiled once. */
import type { Operation, OperationName } from "@mcp-manager/api";
import { operations } from "@mcp-manager/api";

/** What a method and a path name. */
export type Routed =
  | {
      readonly kind: "operation";
      readonly name: OperationName;
      readonly operation: Operation;
      /** Decoded path parameters. */
      readonly path: Readonly<Record<string, string>>;
    }
  | { readonly kind: "method-not-allowed"; readonly allowed: readonly string[] }
  | { readonly kind: "unknown" };

interface Route {
  readonly name: OperationName;
  readonly operation: Operation;
  readonly pattern: RegExp;
}

const routes: readonly Route[] = (Object.keys(operations) as OperationName[]).map((name) => {
  const operation = operations[name];
  const pattern = operation.path.replaceAll(".", "\\.").replaceAll(/\{(\w+)\}/g, "(?<$1>[^/]+)");
  return { name, operation, pattern: new RegExp(`^${pattern}$`) };
});

/** What is asked for. HEAD is answered where GET is. */
export function routeOf(method: string, path: string): Routed {
  const matches = routes.flatMap((route) => {
    const match = route.pattern.exec(path);
    return match === null ? [] : [{ ...route, match }];
  });
  if (matches.length === 0) return { kind: "unknown" };
  const wanted = method === "HEAD" ? "GET" : method;
  const found = matches.find(({ operation }) => operation.method === wanted);
  if (found === undefined) {
    const methods = matches.map(({ operation }) => operation.method);
    return { kind: "method-not-allowed", allowed: methods.includes("GET") ? ["HEAD", ...methods] : methods };
  }
  const decoded = decodeGroups(found.match.groups ?? {});
  if (decoded === undefined) return { kind: "unknown" };
  return { kind: "operation", name: found.name, operation: found.operation, path: decoded };
}

function decodeGroups(groups: Readonly<Record<string, string>>): Readonly<Record<string, string>> | undefined {
  try {
    return Object.fromEntries(Object.entries(groups).map(([name, value]) => [name, decodeURIComponent(value)]));
  } catch {
    return undefined;
  }
}
