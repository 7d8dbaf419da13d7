/** What a change of a server is to the world. Pure. */
import type { Server } from "@mcp-manager/api";
import type { Fact } from "./fact.ts";

/** Made or gone, its spec another, its state another; in this order. */
export function serverEvents(before: Server | undefined, after: Server | undefined, server: string): readonly Fact[] {
  if (after === undefined) {
    const from = before?.status.state;
    const data = from === undefined ? {} : { data: { from } };
    return [{ topic: "server.removed", server, message: "it was deleted", severity: "info", ...data }];
  }
  if (before === undefined) return [registered(after)];
  return [...changed(before, after), ...stateChange(before, after)];
}

function registered(server: Server): Fact {
  const { metadata, spec, status } = server;
  const message = `it was registered (${spec.source.kind})`;
  const data = { state: status.state, generation: metadata.generation };
  return fact("server.registered", server, { at: metadata.createdAt, message, severity: "info", data });
}

function changed({ metadata: before }: Server, server: Server): readonly Fact[] {
  const { metadata } = server;
  if (before.revision === metadata.revision) return [];
  const { generation, deletedAt } = metadata;
  const isDeleted = deletedAt !== undefined && before.deletedAt === undefined;
  const what =
    generation !== before.generation
      ? `its spec was changed (generation ${generation})`
      : isDeleted
        ? "its deletion was asked for"
        : "its labels were changed";
  const at = isDeleted ? deletedAt : undefined;
  return [fact("server.changed", server, { at, message: what, severity: "info", data: { generation } })];
}

function stateChange({ status: before }: Server, server: Server): readonly Fact[] {
  const { state: to, since, conditions } = server.status;
  const from = before.state;
  if (from === to) return [];
  const why = conditions.find(({ type }) => type === "Available")?.message ?? "";
  const message = `${from} → ${to}${why === "" ? "" : `: ${why}`}`;
  const severity = to === "failed" || to === "degraded" ? "warning" : "info";
  const topic = to === "failed" ? "server.failed" : "server.state";
  return [fact(topic, server, { at: since, message, severity, data: { from, to } })];
}

function fact(topic: Fact["topic"], server: Server, rest: Omit<Fact, "topic" | "server" | "resource">): Fact {
  return { topic, server: server.metadata.name, ...rest, resource: server };
}
