/** Every command, in the order in which help shows them. The table is the registry: a command that is not here does not exist. */
import type { Command } from "./command.ts";
import { apiKeyCommands } from "./commands/api-key.ts";
import { completionCommand } from "./commands/completion.ts";
import { connectCommand } from "./commands/connect.ts";
import { diffCommand } from "./commands/diff.ts";
import { deploymentCommands } from "./commands/deployment.ts";
import { registryAdd } from "./commands/registry-add.ts";
import { registrySearch } from "./commands/registry-search.ts";
import { secretCommands } from "./commands/secret.ts";
import { serverCommands } from "./commands/server.ts";
import { statusCommand } from "./commands/status.ts";
import { toolCommands } from "./commands/tool.ts";
import { upCommand } from "./commands/up.ts";

export const commands: readonly Command[] = [
  upCommand,
  statusCommand,
  diffCommand,
  connectCommand,
  ...serverCommands,
  ...deploymentCommands,
  registrySearch,
  registryAdd,
  ...toolCommands,
  ...apiKeyCommands,
  ...secretCommands,
  completionCommand(() => commands),
];
