/** Openings and connections that do as the test says: for tests of what lends them. They carry no calls. */
import { ManagerError } from "@mcp-manager/api";
import type { ClientProfile } from "../../protocol/client-profile.ts";
import type { Connection, Exchange, ServerFacts } from "../../transport/connection.ts";
import type { OpenedConnection } from "../profile-shelf.ts";

const facts: ServerFacts = {
  era: "legacy",
  protocolVersion: "2025-11-25",
  serverInfo: { name: "stand-in", version: "1" },
  capabilities: {},
  instructions: undefined,
};

/** A profile that is told from others by its name. */
export function profileNamed(name: string): ClientProfile {
  return { key: name, capabilities: { [name]: {} } };
}

/** One connection that was asked for, and what became of it. */
export class Opening implements Connection {
  /** The name of the profile that it was asked for. */
  readonly profile: string;
  readonly facts: ServerFacts = facts;
  readonly inFlight = 0;
  readonly heard = 0;
  readonly closed: Promise<ManagerError>;
  closeReason: ManagerError | undefined;
  onRenewed: (() => void) | undefined;
  state: "opening" | "open" | "closing" | "gone" = "opening";
  readonly #opened = Promise.withResolvers<OpenedConnection>();
  readonly #gone = Promise.withResolvers<void>();
  readonly #closesAtOnce: boolean;
  #resolveClosed: (reason: ManagerError) => void = () => undefined;

  constructor(profile: string, signal: AbortSignal, closesAtOnce: boolean) {
    this.profile = profile;
    this.#closesAtOnce = closesAtOnce;
    this.closed = new Promise((resolve) => (this.#resolveClosed = resolve));
    signal.addEventListener("abort", () => this.fail("given up"), { once: true });
  }

  get result(): Promise<OpenedConnection> {
    return this.#opened.promise;
  }

  succeed(): void {
    if (this.state !== "opening") return;
    this.state = "open";
    this.#opened.resolve({ connection: this, close: () => this.close() });
  }

  fail(why: string): void {
    if (this.state !== "opening") return;
    this.state = "gone";
    this.#opened.reject(new ManagerError("unavailable", why));
  }

  /** It ends by itself. */
  die(): void {
    this.destroy(new ManagerError("unavailable", "it was lost"));
  }

  close(): Promise<void> {
    if (this.state !== "gone") this.state = "closing";
    this.destroy(new ManagerError("unavailable", "it was closed"));
    if (this.#closesAtOnce) this.finish();
    return this.#gone.promise;
  }

  /** It has closed, if it was asked to. */
  finish(): void {
    if (this.state !== "closing") return;
    this.state = "gone";
    this.#gone.resolve();
  }

  send(): Exchange {
    throw new Error("no calls here");
  }

  notify(): void {}

  destroy(reason: ManagerError): void {
    this.closeReason ??= reason;
    this.#resolveClosed(this.closeReason);
  }
}

/** Every connection that was asked for, in order. */
export class Openings {
  readonly all: Opening[] = [];
  /** Whether connections have closed as soon as they are asked to, or wait for `finish`. */
  closesAtOnce = true;

  readonly open = (capabilities: Readonly<Record<string, unknown>>, signal: AbortSignal): Promise<OpenedConnection> => {
    const [profile = ""] = Object.keys(capabilities);
    const opening = new Opening(profile, signal, this.closesAtOnce);
    this.all.push(opening);
    return opening.result;
  };

  in(...states: readonly Opening["state"][]): readonly Opening[] {
    return this.all.filter(({ state }) => states.includes(state));
  }
}
