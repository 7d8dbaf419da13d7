/** The certificates of the gRPC door, from the files that the settings name. TLS 1.3 only; with `clientCa` a client has to show one too. */
import { readFileSync } from "node:fs";
import type { SecureServerOptions } from "node:http2";
import { ManagerError } from "@mcp-manager/api";

/** Paths of PEM files; empty where there is none. All empty: no TLS. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
  readonly clientCa: string;
}

/** What a server is made with; undefined for one without TLS. Throws `invalid_argument` for files that are missing or cannot be read. */
export function tlsOptions({ cert, key, clientCa }: TlsFiles): SecureServerOptions | undefined {
  if (cert === "" && key === "" && clientCa === "") return undefined;
  if (cert === "" || key === "") {
    const missing = cert === "" ? "grpcTls.cert" : "grpcTls.key";
    throw new ManagerError("invalid_argument", `${missing} is missing: TLS needs the certificate and its key`);
  }
  return {
    cert: read("grpcTls.cert", cert),
    key: read("grpcTls.key", key),
    minVersion: "TLSv1.3",
    ...(clientCa === "" ? {} : { ca: read("grpcTls.clientCa", clientCa), requestCert: true, rejectUnauthorized: true }),
  };
}

function read(setting: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ManagerError("invalid_argument", `${setting} names a file that cannot be read: ${why}`, { cause: error });
  }
}
