/** One run of the manager as a process: configuration, start, signals, exit status. No logic of its own. */
import { systemClock } from "./base/clock.ts";
import { systemRandom } from "./base/random.ts";
import { banner } from "./banner.ts";
import type { Flags } from "./config/environment.ts";
import { readConfigFile, readConfigFileAgain } from "./config/config-file.ts";
import { ConfigSource } from "./config/config-source.ts";
import { explain } from "./config/explain.ts";
import { type Config, loadConfig } from "./config/load.ts";
import { createManager } from "./manager.ts";
import { self } from "./protocol/self.ts";
import { redact } from "./security/redact.ts";
import { StopSignals } from "./signals.ts";
import { createLogger, type Logger, type LogSink } from "./telemetry/logger.ts";
import { UncaughtErrors } from "./uncaught.ts";

/** Where text goes, and whether a person reads it. */
export interface OutputSink extends LogSink {
  readonly isTTY?: boolean;
}

export interface RunOptions {
  readonly flags: Flags;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly stdout: OutputSink;
  /** The log. */
  readonly stderr: OutputSink;
  /** Stops the manager as a first signal does. Default: only signals stop it. */
  readonly stopped?: Promise<void> | undefined;
}

/** After an error that nobody caught, stopping may fail as well: processes of servers are ended by then, or swept at the next start. */
const brokenStopMs = 15_000;

/** Runs a manager until a signal or `stopped` ends it; resolves with the exit status. Rejects with ManagerError when it cannot start. */
export async function runManager(options: RunOptions): Promise<number> {
  const source = new ConfigSource({
    ...options,
    clock: systemClock,
    readFile: readConfigFile,
    readAgain: readConfigFileAgain,
  });
  const { config } = source;
  const { settings, servers, adminKey, notes, origins } = config;
  const logger = loggerOf(config, options);
  for (const { level, message } of notes) logger[level](message);
  for (const line of explain(config)) logger.debug(line);
  // Never disposed of: until the process has gone, a signal more is no reason to end otherwise than it does.
  const signals = new StopSignals({
    clock: systemClock,
    isInTerminal: options.stdout.isTTY === true || options.stderr.isTTY === true,
  });
  using uncaught = new UncaughtErrors();
  const died = Promise.withResolvers<Error>();
  let status = 0;
  const fail = (message: string, error: Error): void => {
    status = 1;
    logger.error(message, { error });
  };
  const failed = died.promise.then((error) => fail("the manager cannot go on and stops", error));
  const broken = uncaught.first.then((error) => {
    fail("an error that nobody caught: the manager stops", error);
    systemClock.after(brokenStopMs, () => process.exit(status));
  });
  const common = { clock: systemClock, random: systemRandom, logger, onFatal: died.resolve, env: options.env };
  const mayLackGrpc = origins.get("grpcPort")?.kind === "default";
  const manager = await createManager({ settings, servers, source, adminKey, mayLackGrpc, ...common });
  for (const { name, outcome, error } of manager.admissions) {
    if (outcome === "refused") logger.error("a configured server was refused", { server: name, error });
    if (outcome === "removed") logger.info("a server that the file names no more is deleted", { server: name });
    if (outcome === "released")
      logger.info("a server that the file names no more stays: others made it", { server: name });
    if (outcome === "deleted") logger.info("a deleted server stays so until its text changes", { server: name });
  }
  const { cwd, stdout } = options;
  stdout.write(banner({ manager, version: self.version, cwd, data: settings.data, isTerminal: stdout.isTTY === true }));
  signals.onAgain = () => manager.hurry();
  signals.onHangUp = () => {
    const isRead = manager.reload();
    logger.info(isRead ? "SIGHUP: the configuration file is read again" : "SIGHUP: there is no configuration file");
  };
  // Half broken, it finishes nothing for anybody.
  void broken.then(() => manager.hurry());
  await Promise.race([signals.first, failed, broken, ...(options.stopped === undefined ? [] : [options.stopped])]);
  if (status === 0) logger.info("stopping: calls in flight may end");
  await manager[Symbol.asyncDispose]();
  logger.info("stopped");
  return status;
}

/** The configuration that `runManager` would run with, for people: a line for each setting and server. Starts and writes nothing. */
export function explainManager(options: RunOptions): string {
  const config = loadConfig({ ...options, readFile: readConfigFile });
  return [...explain(config), ...config.notes.map(({ level, message }) => `${level}: ${message}`), ""].join("\n");
}

function loggerOf({ settings }: Config, { stderr, env }: RunOptions): Logger {
  const { level, format } = settings.log;
  const isText = format === "text" || (format === "auto" && stderr.isTTY === true);
  const color = stderr.isTTY === true && (env["NO_COLOR"] ?? "") === "";
  return createLogger({ sink: stderr, clock: systemClock, level, format: isText ? "text" : "json", color, redact });
}
