/** Every command, in the order in which help shows them. The table is the registry: a command that is not here does not exist. */
import type { Command } from "./command.ts";
import { apiKeyCommands } from "./commands/api-key.ts";
import { completionCommand } from "./commands/completion.ts";
import { connectCommand } from "./commands/connect.ts";
import { deadLetterCommands } from "./commands/dead-letter.ts";
import { deploymentCommands } from "./commands/deployment.ts";
import { eventsCommand } from "./commands/events.ts";
import { exportCommand } from "./commands/export.ts";
import { importCommand } from "./commands/import.ts";
import { diffCommand } from "./commands/diff.ts";
import { registryAdd } from "./commands/registry-add.ts";
import { registrySearch } from "./commands/registry-search.ts";
import { secretCommands } from "./commands/secret.ts";
import { serverCommands } from "./commands/server.ts";
import { statusCommand } from "./commands/status.ts";
import { toolCommands } from "./commands/tool.ts";
import { upCommand } from "./commands/up.ts";
import { webhookCommands } from "./commands/webhook.ts";

export const commands: readonly Command[] = [
  upCommand,
  statusCommand,
  diffCommand,
  connectCommand,
  eventsCommand,
  importCommand,
  exportCommand,
  ...serverCommands,
  ...deploymentCommands,
  registrySearch,
  registryAdd,
  ...toolCommands,
  ...apiKeyCommands,
  ...secretCommands,
  ...webhookCommands,
  ...deadLetterCommands,
  completionCommand(() => commands),
];
