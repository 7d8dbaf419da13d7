/** What callers give a client, checked, so that a mistake is told where it is made. Throws `invalid_argument`; pure. */
import { ManagerError } from "@mcp-manager/api";

/** The manager's root without a slash at its end; it may have a path. */
export function rootOf(text: string): string {
  const url = URL.parse(text);
  if (url !== null && ["http:", "https:"].includes(url.protocol)) return url.origin + url.pathname.replace(/\/+$/, "");
  throw new ManagerError(
    "invalid_argument",
    `"${text}" is not the URL of a manager: write it like http://127.0.0.1:8080`,
  );
}

/** Files end in a line end, which is no part of the key. */
export function keyOf(text: string): string {
  const key = text.trim();
  if (/^[!-~]{1,4096}$/.test(key)) return key;
  throw new ManagerError(
    "invalid_argument",
    "the key is empty, or holds what no key does, such as spaces: look where it comes from",
  );
}

/** What is sent, as JSON. */
export function jsonOf(body: unknown): string {
  try {
    return JSON.stringify(body);
  } catch (error) {
    throw new ManagerError("invalid_argument", `what is to be sent cannot be written as JSON: ${String(error)}`, {
      cause: error,
    });
  }
}

/** A number that has bounds. */
export function inRange(name: string, value: number, min: number, max: number): number {
  if (value >= min && value <= max) return value;
  throw new ManagerError("invalid_argument", `${name} is ${value}: give a number from ${min} to ${max}`);
}
