/** What a manager is made from. */
import type { ConfiguredServer } from "../api/configured.ts";
import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import type { Settings } from "../config/settings.ts";
import type { Logger } from "../telemetry/logger.ts";

export interface ManagerOptions {
  readonly settings: Settings;
  /** Servers to admit before traffic is let in. */
  readonly servers: readonly ConfiguredServer[];
  /** Nobody chose the gRPC port: when another program has it, the manager does without, and says so. */
  readonly mayLackGrpc?: boolean;
  /** The admin key, when the environment gives one. */
  readonly adminKey: string | undefined;
  /** The environment: what references and processes may see of it. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Hears of what the manager cannot go on after. */
  readonly onFatal: (error: Error) => void;
}
