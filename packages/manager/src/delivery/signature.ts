/** Signatures as Standard Webhooks 1.0.0 has them, so that receivers can use any of its libraries. Pure. */
import { createHmac } from "node:crypto";

const prefix = "whsec_";

/**
 * The `webhook-signature` of a delivery: HMAC-SHA256 over `id.timestamp.body`. The key is what stands behind `whsec_` in base64, or else
 * the secret's own UTF-8 bytes. `timestamp` is in seconds since the epoch.
 */
export function signatureOf(secret: string, id: string, timestamp: number, body: string): string {
  const key = secret.startsWith(prefix) ? Buffer.from(secret.slice(prefix.length), "base64") : Buffer.from(secret);
  const digest = createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64");
  return `v1,${digest}`;
}
