import assert from "node:assert/strict";
import { test } from "node:test";
import { ScriptedConnection } from "../gateway/testing/scripted-connection.ts";
import { Metrics } from "../telemetry/metrics.ts";
import type { SocketCounts } from "../transport/http-origin.ts";
import type { Leases } from "./leases.ts";
import { collectUpstreamMetrics } from "./upstream-metrics.ts";
import { UpstreamSet } from "./upstream-set.ts";

test("what is lent, who waits and what reached nobody shows by server", () => {
  const metrics = new Metrics();
  const upstreams = new UpstreamSet();
  const stop = collectUpstreamMetrics(metrics, upstreams);
  const leases: Leases = {
    sharing: "shared",
    open: 5,
    inUse: 2,
    idle: 3,
    calls: 2,
    spare: 0,
    waiting: 1,
    take: () => Promise.reject(new Error("none")),
    holds: () => false,
    endScope: () => undefined,
  };
  const connection = new ScriptedConnection();
  upstreams.attach({ name: "a-1-x", server: "a", revision: "a-1", connection, leases });
  upstreams.dropped("a", "unaddressed_log");
  upstreams.dropped("a", "unaddressed_log");
  const text = metrics.text();
  for (const line of [
    'mcp_manager_leases{server="a",state="in_use"} 2',
    'mcp_manager_leases{server="a",state="idle"} 3',
    'mcp_manager_leases{server="a",state="waiting"} 1',
    'mcp_manager_upstream_messages_dropped_total{server="a",what="unaddressed_log"} 2',
  ])
    assert.ok(text.includes(line), text);
  stop();
  upstreams.dropped("a", "unaddressed_log");
  assert.ok(metrics.text().includes('what="unaddressed_log"} 2'));
});

test("connections that were opened and closed, and sockets that were used again, are counted for good", () => {
  const metrics = new Metrics();
  const upstreams = new UpstreamSet();
  collectUpstreamMetrics(metrics, upstreams);
  upstreams.leased("a", { kind: "opened" });
  upstreams.leased("a", { kind: "closed", reason: "recycled" });
  let opened = 3;
  const sockets = (): SocketCounts => ({ open: 2, idle: 1, opened, reused: 5, recycled: 1 });
  const replica = { server: "a", revision: "a-1", connection: new ScriptedConnection(), sockets };
  upstreams.attach({ ...replica, name: "a-1-x" });
  metrics.text();
  // Taken out and offered again it is the same.
  upstreams.detach("a", "a-1-x");
  upstreams.attach({ ...replica, name: "a-1-x" });
  opened = 4;
  const text = metrics.text();
  for (const line of [
    'mcp_manager_leases_opened_total{server="a"} 1',
    'mcp_manager_leases_closed_total{server="a",reason="recycled"} 1',
    'mcp_manager_upstream_sockets{server="a",state="busy"} 1',
    'mcp_manager_upstream_sockets{server="a",state="idle"} 1',
    'mcp_manager_upstream_socket_uses_total{server="a",what="opened"} 4',
    'mcp_manager_upstream_socket_uses_total{server="a",what="reused"} 5',
  ])
    assert.ok(text.includes(line), text);
});
