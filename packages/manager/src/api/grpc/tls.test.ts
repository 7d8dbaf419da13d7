import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { connect } from "node:tls";
import { openGrpcDoor, refusalOf } from "./testing/grpc-door.ts";
import { tlsOptions } from "./tls.ts";

const folder = mkdtempSync(join(tmpdir(), "mcp-manager-tls-"));
after(() => rmSync(folder, { recursive: true }));

function file(name: string): string {
  return join(folder, name);
}

/** A self-signed certificate, `<name>.pem` with `<name>.key`. */
function certify(name: string): void {
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", file(`${name}.key`)];
  const subject = ["-subj", `/CN=${name}`, "-addext", "subjectAltName=IP:127.0.0.1"];
  const args = ["req", "-x509", "-days", "2", ...key, ...subject, "-out", file(`${name}.pem`)];
  execFileSync("openssl", args, { stdio: "ignore" });
}

const skip =
  spawnSync("openssl", ["version"]).error === undefined ? false : "openssl is not there to make certificates";

describe("TLS", { skip }, () => {
  before(() => {
    certify("server");
    certify("client");
  });
  const tls = { cert: file("server.pem"), key: file("server.key"), clientCa: "" };

  test("with a certificate the door speaks TLS 1.3, and nothing older or plain", async () => {
    const ca = { ca: bytesOf("server.pem") };
    await using door = await openGrpcDoor({ tls, nodeOptions: ca });
    assert.equal((await door.client().getHealth({})).version, "1.2.3");
    assert.equal((await refusalOf(door.client("none").getHealth({}))).code, "Unauthenticated");
    await using older = await openGrpcDoor({ tls, nodeOptions: { ...ca, maxVersion: "TLSv1.2" } });
    assert.notEqual((await refusalOf(older.client().getHealth({}))).code, "Unauthenticated");
    await using stranger = await openGrpcDoor({ tls });
    assert.match((await refusalOf(stranger.client().getHealth({}))).message, /self-signed certificate/);
  });

  test("with clientCa a client needs a certificate of its own, and its credential all the same", async () => {
    const mutual = { ...tls, clientCa: file("client.pem") };
    const ca = bytesOf("server.pem");
    const own = { ca, cert: bytesOf("client.pem"), key: bytesOf("client.key") };
    await using door = await openGrpcDoor({ tls: mutual, nodeOptions: own });
    assert.equal((await door.client().getHealth({})).version, "1.2.3");
    assert.equal((await refusalOf(door.client("none").getHealth({}))).code, "Unauthenticated");
    await using without = await openGrpcDoor({ tls: mutual, nodeOptions: { ca } });
    const refusal = await refusalOf(without.client("none").getHealth({}));
    assert.notEqual(refusal.code, "Unauthenticated");
    assert.deepEqual(without.audited, []);
  });

  test("a client that does not choose HTTP/2 is not heard", async () => {
    await using door = await openGrpcDoor({ tls });
    const { port } = new URL(door.url);
    const socket = connect({
      port: Number(port),
      host: "127.0.0.1",
      rejectUnauthorized: false,
      ALPNProtocols: ["http/1.1"],
    });
    const ended = await new Promise<string>((resolve) => {
      socket.on("error", () => resolve("refused"));
      socket.on("close", () => resolve("closed"));
    });
    assert.ok(ended === "refused" || ended === "closed");
  });
});

describe("certificates that are of no use", () => {
  const none = { cert: "", key: "", clientCa: "" };

  test("none are none, one without the other is refused, and so is a file that is not there", () => {
    assert.equal(tlsOptions(none), undefined);
    assert.throws(() => tlsOptions({ ...none, cert: "a.pem" }), /^ManagerError: grpcTls\.key is missing/);
    assert.throws(() => tlsOptions({ ...none, clientCa: "a.pem" }), /^ManagerError: grpcTls\.cert is missing/);
    assert.throws(
      () => tlsOptions({ cert: file("nowhere.pem"), key: file("nowhere.key"), clientCa: "" }),
      /^ManagerError: grpcTls\.cert names a file that cannot be read: ENOENT/,
    );
  });

  test("a file that holds no certificate stops the start", async () => {
    writeFileSync(file("text.pem"), "hello\n");
    const tls = { cert: file("text.pem"), key: file("text.pem"), clientCa: "" };
    await assert.rejects(openGrpcDoor({ tls }), /^ManagerError: grpcTls is of no use: /);
  });
});

function bytesOf(name: string): Buffer {
  return readFileSync(file(name));
}
