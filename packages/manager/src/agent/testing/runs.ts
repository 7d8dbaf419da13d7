/** Runs that do as the test says: for tests of what happens around them. They carry no calls but probes and requests for lists. */
import { ManagerError } from "@mcp-manager/api";
import type { Connection, Exchange, OutboundRequest, ReplySink, ServerFacts } from "../../transport/connection.ts";
import { Openings } from "../../upstream/testing/openings.ts";
import { RunFailure } from "../failure.ts";
import type { OpenRequest, OpenRun, OpenRunFn } from "../run.ts";

const facts: ServerFacts = {
  era: "legacy",
  protocolVersion: "2025-11-25",
  serverInfo: { name: "stand-in", version: "1" },
  capabilities: {},
  instructions: undefined,
};

/** How a server takes a probe. */
export type ProbeManner = "answers" | "hangs" | "fails" | "wants a credential";

/** A connection on which only probes are sent, and requests for the lists that the test gives it. */
export class ProbedConnection implements Connection {
  facts: ServerFacts = facts;
  /** What is answered to a request for a list, by its method: a result, or an error. Set before the run succeeds. */
  readonly lists: Map<string, { readonly result: object } | { readonly error: object }> = new Map();
  /** How often lists were asked for, by method. */
  readonly listed: Map<string, number> = new Map();
  /** Calls that the test says are in flight. */
  calls = 0;
  heard = 0;
  manner: ProbeManner = "answers";
  /** The methods of the probes so far. */
  readonly probes: string[] = [];
  #open = 0;
  readonly closed: Promise<ManagerError>;
  closeReason: ManagerError | undefined;
  #close: (reason: ManagerError) => void = () => undefined;

  constructor() {
    this.closed = new Promise((resolve) => (this.#close = resolve));
  }

  get inFlight(): number {
    return this.calls + this.#open;
  }

  send({ method, bytes }: OutboundRequest, sink: ReplySink): Exchange {
    if (method.endsWith("/list")) return this.#list(method, sink);
    this.probes.push(method);
    this.#open++;
    let isOpen = true;
    const end = (tell: () => void): void => {
      if (!isOpen) return;
      isOpen = false;
      this.#open--;
      tell();
    };
    const { manner } = this;
    if (manner === "answers") {
      queueMicrotask(() =>
        end(() => {
          this.heard++;
          sink.onResponse(bytes, true);
        }),
      );
    } else if (manner !== "hangs") {
      const reason = manner === "fails" ? "CONNECTION_LOST" : "UPSTREAM_UNAUTHORIZED";
      const error = new ManagerError("unavailable", `server "weather" ${manner}`, { reason });
      queueMicrotask(() => end(() => sink.onFailure(error, true)));
    }
    return { cancel: () => end(() => undefined), resume: () => undefined };
  }

  #list(method: string, sink: ReplySink): Exchange {
    this.listed.set(method, (this.listed.get(method) ?? 0) + 1);
    const answer = this.lists.get(method) ?? { error: { code: -32601, message: "Method not found" } };
    const response = Buffer.from(JSON.stringify({ jsonrpc: "2.0", id: 0, ...answer }));
    queueMicrotask(() => sink.onResponse(response, true));
    return { cancel: () => undefined, resume: () => undefined };
  }

  notify(): void {}

  close(): Promise<void> {
    this.destroy(new ManagerError("unavailable", "closed"));
    return Promise.resolve();
  }

  destroy(reason: ManagerError): void {
    this.closeReason ??= reason;
    this.#close(reason);
  }
}

/** One opening that the runner asked for, and the run it became. */
export class ScriptedRun {
  readonly request: OpenRequest;
  readonly pid: number;
  /** The graces with which it was asked to close. */
  readonly closes: number[] = [];
  /** The connections that were asked for beside its own. */
  readonly others: Openings = new Openings();
  /** Its connection, once it has succeeded. */
  readonly connection: ProbedConnection = new ProbedConnection();
  /** Whether its process was ended without being asked. */
  isKilled = false;
  /** Whether it could not be opened. */
  failed = false;
  readonly #opened = Promise.withResolvers<OpenRun>();
  readonly #ended = Promise.withResolvers<RunFailure>();
  readonly #closed = Promise.withResolvers<void>();
  readonly #closesAtOnce: boolean;

  constructor(request: OpenRequest, pid: number, closesAtOnce: boolean) {
    this.request = request;
    this.pid = pid;
    this.#closesAtOnce = closesAtOnce;
    request.signal.addEventListener("abort", () => this.fail(new Error("given up")));
  }

  get opening(): Promise<OpenRun> {
    return this.#opened.promise;
  }

  /** It answered `initialize`. `asks`: its server may ask clients something. */
  succeed(asks = false): void {
    this.#opened.resolve({
      connection: this.connection,
      kill: () => (this.isKilled = true),
      ...(asks ? { openAnother: this.others.open } : {}),
      pid: this.pid,
      url: undefined,
      isolation: { level: "trusted", boundary: "process-group" },
      memory: "not enforced: a stand-in",
      ended: this.#ended.promise,
      close: (graceMs) => {
        this.closes.push(graceMs);
        if (this.#closesAtOnce || graceMs === 0) this.#closed.resolve();
        return this.#closed.promise;
      },
    });
  }

  /** It could not be opened, for want of a credential. */
  refuse(): void {
    const error = new ManagerError("unavailable", "it refused the manager's credential with HTTP 401", {
      reason: "UPSTREAM_UNAUTHORIZED",
    });
    this.failed = true;
    this.#opened.reject(new RunFailure("initialize", error));
  }

  /** It could not be opened. */
  fail(cause: unknown, exitCode?: number): void {
    this.failed = true;
    const exit = exitCode === undefined ? undefined : { code: exitCode, signal: undefined };
    this.#opened.reject(new RunFailure("initialize", cause, exit));
  }

  /** It ends by itself. */
  end(exitCode: number): void {
    const exit = { code: exitCode, signal: undefined };
    this.#ended.resolve(new RunFailure("run", new ManagerError("unavailable", "the process ended"), exit));
  }

  /** Its calls in flight have ended. */
  drained(): void {
    this.#closed.resolve();
  }
}

/** Every run that was asked for, in order. */
export class ScriptedRuns {
  readonly all: ScriptedRun[] = [];
  /** Whether runs close at once when asked to, or wait for `drained`. */
  closesAtOnce = true;
  readonly #waiting: ((run: ScriptedRun) => void)[] = [];

  readonly open: OpenRunFn = (request) => {
    const run = new ScriptedRun(request, 1_000 + this.all.length, this.closesAtOnce);
    this.all.push(run);
    this.#waiting.shift()?.(run);
    return run.opening;
  };

  /** The next run that is asked for from now on. */
  next(): Promise<ScriptedRun> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}
