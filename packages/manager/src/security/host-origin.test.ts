import assert from "node:assert/strict";
import { test } from "node:test";
import type { HostOriginOptions } from "./host-origin.ts";
import { createHostOriginCheck } from "./host-origin.ts";

function verdict(options: Partial<HostOriginOptions>, host: string | undefined, origin?: string): "ok" | "refused" {
  const check = createHostOriginCheck({ host: "127.0.0.1", allowedHosts: [], allowedOrigins: [], ...options });
  const first = check.check(host, origin);
  assert.equal(check.check(host, origin), first, "the remembered verdict is the same");
  return first === undefined ? "ok" : "refused";
}

function expect(
  options: Partial<HostOriginOptions>,
  table: readonly (readonly [string, string | undefined, string?])[],
): void {
  for (const [expected, host, origin] of table)
    assert.equal(verdict(options, host, origin), expected, `${host} ${origin}`);
}

test("on a loopback address only loopback names are taken, whatever the port", () => {
  expect({}, [
    ["ok", "127.0.0.1:8080"],
    ["ok", "localhost"],
    ["ok", "LOCALHOST:1"],
    ["ok", "[::1]:8080"],
    ["ok", "127.1.2.3:8080"],
    ["refused", "evil.example:8080"],
    ["refused", "localhost.evil.example"],
    ["refused", "127.0.0.1.evil.example"],
    ["refused", "10.0.0.7:8080"],
    ["refused", undefined],
    ["refused", ""],
    ["refused", "localhost:8080@evil.example"],
    ["refused", "localhost evil.example"],
  ]);
});

test("names that were allowed are taken, with a port only on that port", () => {
  expect({ allowedHosts: ["MCP.example.com", "edge.example.com:443"] }, [
    ["ok", "mcp.example.com"],
    ["ok", "mcp.example.com:9000"],
    ["ok", "edge.example.com:443"],
    ["refused", "edge.example.com:80"],
    ["refused", "other.example.com"],
  ]);
});

test("on another address every name is taken, unless names are listed", () => {
  expect({ host: "0.0.0.0" }, [
    ["ok", "mcp-manager:8080"],
    ["ok", "10.0.0.7:8080"],
  ]);
  expect({ host: "0.0.0.0", allowedHosts: ["mcp-manager"] }, [
    ["ok", "mcp-manager:8080"],
    ["ok", "localhost:8080"],
    ["refused", "10.0.0.7:8080"],
  ]);
});

test("web pages may call from loopback, from the manager's own name, and from allowed origins", () => {
  expect(
    { allowedHosts: ["mcp.example.com"], allowedOrigins: ["https://console.example.com/", "vscode-webview://panel"] },
    [
      ["ok", "localhost:8080", "http://localhost:6274"],
      ["ok", "localhost:8080", "http://[::1]:3000"],
      ["ok", "mcp.example.com", "https://mcp.example.com"],
      ["ok", "localhost:8080", "https://console.example.com"],
      ["ok", "localhost:8080", "vscode-webview://panel"],
      ["refused", "localhost:8080", "https://console.example.com:8443"],
      ["refused", "localhost:8080", "http://console.example.com"],
      ["refused", "localhost:8080", "https://evil.example"],
      ["refused", "localhost:8080", "http://localhost.evil.example"],
      ["refused", "localhost:8080", "http://localhost@evil.example"],
      ["refused", "localhost:8080", "null"],
      ["refused", "localhost:8080", ""],
      ["refused", "localhost:8080", "file://localhost"],
    ],
  );
});

test("a page under a name that somebody else points here does not count as our own", () => {
  expect({ host: "0.0.0.0" }, [
    ["refused", "rebound.example:8080", "http://rebound.example:8080"],
    ["ok", "10.0.0.7:8080", "http://10.0.0.7:8080"],
    ["refused", "10.0.0.7:8080", "http://10.0.0.7:9999"],
  ]);
});

test("a refusal says what was wrong and which setting would allow it, in bounded length", () => {
  const check = createHostOriginCheck({ host: "127.0.0.1", allowedHosts: [], allowedOrigins: [] });
  assert.match(check.check("evil.example", undefined) ?? "", /evil\.example.*allowedHosts/);
  const message = check.check("localhost", `https://${"x".repeat(5_000)}.example`) ?? "";
  assert.match(message, /allowedOrigins/);
  assert.ok(message.length < 200);
});
