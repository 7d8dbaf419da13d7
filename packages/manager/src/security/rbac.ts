/**
 * What a principal may do: roles as rules over verbs, servers and tools for the data plane, as permissions for the control plane.
 * Lists and calls are judged by the same rule, so that what is shown can be used. It decides; others refuse.
 */
import { globMatcher } from "../base/glob.ts";
import { isAllowed, roleNames, rolePermissions } from "@mcp-manager/api";
import type { Permission, Principal, RoleName } from "@mcp-manager/api";

/** What is done with a tool, prompt or resource. */
export type Verb = "list" | "call";

/** One rule of a Role. Patterns are names in which `*` stands for any text. */
export interface RoleRule {
  readonly verbs: readonly Verb[];
  /** Default: every server. */
  readonly servers?: readonly string[];
  /** By the server's own names. Default: every tool. */
  readonly tools?: readonly string[];
}

/** Roles by name. */
export type Roles = ReadonlyMap<string, readonly RoleRule[]>;

/** Judges what principals ask for. */
export interface Access {
  /**
   * Whether a principal may `list` or `call` on a server; with `tool`, that tool of it (its server's own name). Without `tool`:
   * whether there may be anything there for it.
   */
  may(principal: Principal, verb: Verb, server: string, tool?: string): boolean;
  /** Whether a principal may do something on the control plane. */
  allows(principal: Principal, permission: Permission): boolean;
  /** Whether every role lists every tool of every server, so that a list does not depend on who asks. */
  readonly showsAllToAll: boolean;
}

/** The rules of the built-in roles, made from their permissions, so that the two planes never disagree. */
const builtinRoles: Roles = new Map(roleNames.map((name) => [name, builtinRules(name)]));

function builtinRules(name: RoleName): readonly RoleRule[] {
  const verbs: Verb[] = [];
  if (rolePermissions[name].includes("tools:list")) verbs.push("list");
  if (rolePermissions[name].includes("tools:call")) verbs.push("call");
  return verbs.length === 0 ? [] : [{ verbs }];
}

/** Judges by these roles; a role that is not among them grants nothing. */
export function createAccess(roles: Roles = builtinRoles): Access {
  // A principal's roles are one array for as long as its credential is cached, so its rules are put together once.
  const compiled = new WeakMap<readonly string[], readonly CompiledRule[]>();
  const rulesOf = (names: readonly string[]): readonly CompiledRule[] => {
    const known = compiled.get(names);
    if (known !== undefined) return known;
    const rules = names.flatMap((name) => (roles.get(name) ?? []).map(compile));
    compiled.set(names, rules);
    return rules;
  };
  return {
    may: (principal, verb, server, tool) =>
      rulesOf(principal.roles).some(
        (rule) => rule[verb] && rule.server(server) && (tool === undefined || rule.tool(tool)),
      ),
    allows: isAllowed,
    showsAllToAll: [...roles.values()].every((rules) => rules.some(listsAll)),
  };
}

function listsAll({ verbs, servers, tools }: RoleRule): boolean {
  return verbs.includes("list") && servers === undefined && tools === undefined;
}

interface CompiledRule {
  readonly list: boolean;
  readonly call: boolean;
  server(name: string): boolean;
  tool(name: string): boolean;
}

function compile(rule: RoleRule): CompiledRule {
  return {
    list: rule.verbs.includes("list"),
    call: rule.verbs.includes("call"),
    server: globMatcher(rule.servers ?? ["*"]),
    tool: globMatcher(rule.tools ?? ["*"]),
  };
}
