/** Every command, in the order in which help shows them. The table is the registry: a command that is not here does not exist. */
import type { Command } from "./command.ts";
import { apiKeyCommands } from "./commands/api-key.ts";
import { completionCommand } from "./commands/completion.ts";
import { connectCommand } from "./commands/connect.ts";
import { deploymentCommands } from "./commands/deployment.ts";
import { eventsCommand } from "./commands/events.ts";
import { serverCommands } from "./commands/server.ts";
import { statusCommand } from "./commands/status.ts";
import { toolCommands } from "./commands/tool.ts";
import { upCommand } from "./commands/up.ts";

export const commands: readonly Command[] = [
  upCommand,
  statusCommand,
  connectCommand,
  eventsCommand,
  ...serverCommands,
  ...deploymentCommands,
  ...toolCommands,
  ...apiKeyCommands,
  completionCommand(() => commands),
];
