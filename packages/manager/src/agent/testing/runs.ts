/** Runs that do as the test says: for tests of what happens around them. They carry no calls. */
import { ManagerError } from "@mcp-manager/api";
import type { Connection, Exchange, OutboundRequest, ReplySink, ServerFacts } from "../../transport/connection.ts";
import { Openings } from "../../upstream/testing/openings.ts";
import { RunFailure } from "../failure.ts";
import type { OpenRequest, OpenRun, OpenRunFn } from "../run.ts";

const facts: ServerFacts = {
  era: "legacy",
  protocolVersion: "2025-11-25",
  serverInfo: { name: "stand-in", version: "1" },
  capabilities: { tools: {} },
  instructions: undefined,
};

/** Answers probes, unless it is told to be silent. */
class IdleConnection implements Connection {
  isSilent: boolean = false;
  readonly facts: ServerFacts = facts;
  readonly inFlight: number = 0;
  readonly heard: number = 0;
  readonly closed: Promise<ManagerError>;
  closeReason: ManagerError | undefined;
  #close: (reason: ManagerError) => void = () => undefined;

  constructor() {
    this.closed = new Promise((resolve) => (this.#close = resolve));
  }

  send(_request: OutboundRequest, sink: ReplySink): Exchange {
    if (!this.isSilent) queueMicrotask(() => sink.onResponse(Buffer.from("{}"), true));
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
  readonly connection: IdleConnection = new IdleConnection();
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

  /** It could not be opened. */
  fail(cause: unknown, exitCode?: number): void {
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
