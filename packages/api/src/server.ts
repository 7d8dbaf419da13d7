/**
 * The Server resource: an MCP server that the manager runs (a process) or reaches (a remote URL), and how. Only what this
 * version acts on, or records without harm, is part of the type; words of the design that are still to come are refused by
 * `unavailable.ts` with a message that says so.
 */
import type { Duration, Size } from "./quantity.ts";
import type { Route } from "./deployment.ts";
import type { Strategy, StrategyInput } from "./strategy.ts";
import type { Condition, LastFailure, MetadataInput, Resource } from "./resource.ts";

/** A child process that speaks MCP on stdin and stdout. Started without a shell, with a minimal environment plus `env`. */
export interface ProcessSource {
  readonly kind: "process";
  /** A program on the PATH or a path to one. */
  readonly command: string;
  /** May hold the same references as `env`; but what stands there can be read in the list of processes. */
  readonly args: readonly string[];
  /** Working directory. Default: the manager's own. */
  readonly cwd?: string;
  /** Values may hold `${secret:name}`, `${env:NAME}`, `${env:NAME:-fallback}` and `${file:/path}`, replaced when the process starts. */
  readonly env: Readonly<Record<string, string>>;
}

/** A server that runs elsewhere and is reached over HTTP. */
export interface RemoteSource {
  readonly kind: "remote";
  /** `http:` or `https:`, without user name or password. */
  readonly url: string;
  /** `sse` is the older HTTP+SSE transport of 2024-11-05, whose `url` is that of its stream. */
  readonly transport: "streamable-http" | "sse";
  /** Sent with every request; values may hold the same references as `env`. */
  readonly headers: Readonly<Record<string, string>>;
}

export type ServerSource = ProcessSource | RemoteSource;

/**
 * Who may share a process or a legacy session: all callers, the callers of one principal, or one session of a legacy client (a
 * modern client has none: there it is its principal).
 */
export type Sharing = "shared" | "per-principal" | "per-session";

/**
 * How far a process is shut off from the machine, weakest first. `trusted`: a plain child process. `default`: the system read-only,
 * temporary files and a HOME of its own, `cwd` writable. `strict`: that, and no network.
 */
export type SandboxLevel = "trusted" | "default" | "strict";

/** A level, narrowed or widened. */
export interface SandboxRules {
  readonly level: SandboxLevel;
  /** `none` takes the network away. Default: the level's own. */
  readonly network?: "none";
  /** Absolute paths that may be written to beside `cwd`. */
  readonly writable?: readonly string[];
}

/** A level alone, or with rules. */
export type Sandbox = SandboxLevel | SandboxRules;

/** How many copies there are, by what they have to do. Takes the place of `replicas`. */
export interface Autoscale {
  /** 0: none runs while nobody calls; the next call starts one, and its tools stay listed. */
  readonly min: number;
  readonly max: number;
  /** Calls in flight that one copy should have. */
  readonly target: { readonly inFlight: number };
  /** Without a call for so long, copies beyond `min` end. */
  readonly idleAfter: Duration;
}

/** Calls to one server on one instance in a time: `perSecond` on average, `burst` at once. */
export interface RateLimit {
  readonly perSecond: number;
  readonly burst: number;
}

/** Rules of a deployment that hold for every strategy. */
export interface DeploymentRules {
  readonly progressDeadline: Duration;
  readonly drainTimeout: Duration;
  readonly acceptBreaking: boolean;
  readonly reviewSemantic: boolean;
  readonly autoRollback: boolean;
}

/** When a replica counts as healthy. */
export interface HealthRules {
  readonly interval: Duration;
  readonly timeout: Duration;
  /** Failed probes in a row that make a replica unhealthy. */
  readonly failures: number;
  /** Good probes in a row that make it healthy again. */
  readonly successes: number;
  /** How long a replica may take from start to ready. */
  readonly startup: Duration;
}

/** When calls to a failing server are refused at once. */
export interface BreakerRules {
  readonly enabled: boolean;
  /** Between 0 and 1. */
  readonly failureRatio: number;
  readonly minCalls: number;
  readonly window: Duration;
  readonly openFor: Duration;
}

/** Bounds of one server. `memory`, `cpu` and `processes` hold for each replica, where the platform can enforce them. */
export interface Limits {
  /** Calls in flight to one server on one instance. */
  readonly concurrency: number;
  /** Calls that may wait for a place. */
  readonly queue: number;
  readonly callTimeout: Duration;
  readonly memory: Size;
  /** Processors; may be a fraction. Default: no limit. */
  readonly cpu?: number;
  readonly processes: number;
  /**
   * Connections of one replica beside the shared one: for calls whose client can be asked something, and, where callers are kept
   * apart (`sharing`), for each of them. Default: 16 processes, 1,024 sessions.
   */
  readonly leases?: number;
  /** Default: none. */
  readonly rate?: RateLimit;
}

/** Another name or description under which one tool is shown. */
export interface ToolOverride {
  readonly name?: string;
  readonly description?: string;
}

/** Which tools are shown. Patterns are names in which `*` stands for any text; `deny` wins. Default: all. */
export interface ToolExposure {
  readonly allow?: readonly string[];
  readonly deny?: readonly string[];
  /** By the server's own name of the tool. */
  readonly override?: Readonly<Record<string, ToolOverride>>;
}

/** What of a server is shown, and under which names. */
export interface Expose {
  /** Put before `__` and the tool's name on `/mcp`. Default: the server's name. */
  readonly prefix?: string;
  readonly tools?: ToolExposure;
}

/** Credentials the manager shows to the upstream. Static ones go into `source.headers` as references. */
export interface UpstreamAuth {
  readonly kind: "none";
}

/** What is wanted of a server, every default filled in (as stored and as answered). */
export interface ServerSpec {
  readonly source: ServerSource;
  /** Copies of the server; with `autoscale` it means nothing. */
  readonly replicas: number;
  readonly sharing: Sharing;
  readonly strategy: Strategy;
  readonly deployment: DeploymentRules;
  readonly health: HealthRules;
  readonly breaker: BreakerRules;
  readonly limits: Limits;
  readonly sandbox: Sandbox;
  readonly autoscale?: Autoscale;
  readonly expose: Expose;
  readonly auth: UpstreamAuth;
}

/** A source as a person writes it: what has a default may be left out. */
export type ServerSourceInput =
  | (Pick<ProcessSource, "kind" | "command"> & Partial<Omit<ProcessSource, "kind" | "command">>)
  | (Pick<RemoteSource, "kind" | "url"> & Partial<Omit<RemoteSource, "kind" | "url">>);

/** A spec as a person writes it: only `source` is needed. */
export interface ServerSpecInput {
  readonly source: ServerSourceInput;
  readonly replicas?: number;
  readonly sharing?: Sharing;
  readonly strategy?: StrategyInput;
  readonly deployment?: Partial<DeploymentRules>;
  readonly health?: Partial<HealthRules>;
  readonly breaker?: Partial<BreakerRules>;
  readonly limits?: Partial<Limits>;
  readonly sandbox?: Sandbox;
  readonly autoscale?: Partial<Autoscale>;
  readonly expose?: Expose;
  readonly auth?: UpstreamAuth;
}

/** A Server as a person writes it. `status`, and what only the registry writes into `metadata`, is accepted and ignored. */
export interface ServerInput {
  readonly kind?: "Server";
  readonly metadata: MetadataInput;
  readonly spec: ServerSpecInput;
  readonly status?: unknown;
}

/** A checked Server on its way into the registry: names, labels, and the spec with every default. */
export interface ServerDraft {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly spec: ServerSpec;
}

/**
 * - `pending`: accepted, nothing was started yet
 * - `starting`: replicas start, none is ready
 * - `ready`: all wanted replicas are ready
 * - `degraded`: some are, or a deployment went back by itself
 * - `idle`: none runs, the next call starts one
 * - `failed`: none is ready and the last start failed; it is tried again after a back-off
 * - `draining`: deletion was asked for, calls in flight finish
 */
export type ServerState = "pending" | "starting" | "ready" | "degraded" | "idle" | "failed" | "draining";

/** Closed: calls pass. Open: they are refused at once. Half-open: a few pass, to see. */
export type BreakerState = "closed" | "open" | "half-open";

/** Why a breaker is where it is. */
export interface BreakerDetail {
  /** In words: `12 of 20 calls failed within 30 s`, `held open: ` and the words of who decided so. */
  readonly reason: string;
  /** RFC 3339; when it came there. */
  readonly since: string;
  /** RFC 3339; when an open one lets a call through to see. */
  readonly retryAt?: string;
  /** Set when a person put it there, and by whom. */
  readonly forcedBy?: string;
  /** Tools whose own breaker is not closed. */
  readonly tools?: readonly { readonly tool: string; readonly state: BreakerState; readonly reason: string }[];
}

/** What one server has to do at this moment on one instance. */
export interface ServerLoad {
  /** Calls in flight, and what is the most of them (`limits.concurrency`). */
  readonly inFlight: number;
  readonly concurrency: number;
  /** Calls that wait for a place. */
  readonly waiting: number;
  /**
   * Since the instance started: calls refused by the breaker, because the server asked to be left alone, for want of a place, by the
   * rate; calls sent once more.
   */
  readonly refused: {
    readonly breaker: number;
    readonly heldOff: number;
    readonly queue: number;
    readonly rate: number;
  };
  readonly retries: number;
  /** Replicas put aside because they fail more than their peers. */
  readonly ejected: readonly string[];
  /** Replicas left alone because their server asked for it (HTTP 429, `Retry-After`). */
  readonly heldOff: readonly string[];
}

/** The members of a server's status that are of one instance and one moment. */
export interface LiveServer {
  readonly breaker: BreakerState;
  readonly breakerDetail?: BreakerDetail;
  readonly load: ServerLoad;
}

/** One thing that happened to a server, its replicas or its breaker. */
export interface RecentEvent {
  /** RFC 3339. */
  readonly at: string;
  /** `server.state`, `breaker.state` … */
  readonly topic: string;
  readonly replica?: string;
  /** What changed, in one sentence: `ready → failed: the process exited with status 3`. */
  readonly message: string;
  /** `warning`: somebody should look. */
  readonly severity: "info" | "warning";
}

/** What is. Written by controllers. */
export interface ServerStatus {
  readonly state: ServerState;
  /** RFC 3339; when it came to this state. */
  readonly since?: string;
  /** Name of the stable revision. */
  readonly revision?: string;
  readonly replicas: { readonly desired: number; readonly ready: number };
  /** Share of new traffic per revision, in percent. */
  readonly traffic: readonly { readonly revision: string; readonly weight: number }[];
  /** What routing goes by; `traffic` says the same in short. Absent until a first replica was ready. */
  readonly route?: Route;
  /** Name of the newest Deployment; written with it. */
  readonly deployment?: string;
  /** `metadata.generation` that a deployment went back from by itself: it is not tried again until `spec` changes, or by `retry`. */
  readonly abortedGeneration?: number;
  readonly breaker?: BreakerState;
  /** Why the breaker is where it is. Of the instance that answers; absent while all is closed and nobody forced it. */
  readonly breakerDetail?: BreakerDetail;
  /** What goes on now, on the instance that answers; never stored. */
  readonly load?: ServerLoad;
  /** What happened last as far as the instance that answers knows, newest first; only of a server read by name, never stored. */
  readonly recentEvents?: readonly RecentEvent[];
  /** How many tools the server lists; absent until it was asked. */
  readonly tools?: number;
  readonly lastFailure?: LastFailure;
  readonly conditions: readonly Condition[];
  /** `metadata.generation` this status speaks of. */
  readonly observedGeneration?: number;
}

export type Server = Resource<"Server", ServerSpec, ServerStatus>;

/** The status of a Server that no controller has looked at yet. */
export const pendingServerStatus: ServerStatus = {
  state: "pending",
  replicas: { desired: 0, ready: 0 },
  traffic: [],
  conditions: [],
};

/** Defaults of everything but `source`. Source: resources.md, "Defaults". */
export const serverDefaults: Omit<ServerSpec, "source"> = {
  replicas: 1,
  sharing: "shared",
  strategy: { kind: "rolling", maxSurge: 1, maxUnavailable: 0, minReady: "5s" },
  deployment: {
    progressDeadline: "10m",
    drainTimeout: "10m",
    acceptBreaking: false,
    reviewSemantic: true,
    autoRollback: true,
  },
  health: { interval: "10s", timeout: "2s", failures: 3, successes: 1, startup: "60s" },
  breaker: { enabled: true, failureRatio: 0.5, minCalls: 20, window: "30s", openFor: "5s" },
  limits: { concurrency: 64, queue: 1024, callTimeout: "60s", memory: "512MiB", processes: 64 },
  sandbox: "trusted",
  expose: {},
  auth: { kind: "none" },
};
