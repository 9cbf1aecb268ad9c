import { commandLine, type Program } from "./command-line.ts";
import { addBackupCommands } from "./commands/backup.ts";
import { addCatalogCommands } from "./commands/catalog.ts";
import { addCloneCommands } from "./commands/clone.ts";
import { addDoctorCommand } from "./commands/doctor.ts";
import { addPolicyCommands } from "./commands/policy.ts";
import { addRepositoryCommands } from "./commands/repository.ts";
import { addRestoreCommands } from "./commands/restore.ts";
import { addRetentionCommands } from "./commands/retention.ts";
import { addRunCommands } from "./commands/run.ts";
import { addServerCommands } from "./commands/server.ts";
import { addStatusCommand } from "./commands/status.ts";
import { addWalCommands } from "./commands/wal.ts";
import { addWindowCommands } from "./commands/window.ts";
import type { CommandContext } from "./context.ts";

export type { Register } from "./command-line.ts";

export function buildProgram(context: CommandContext): Program {
  return commandLine(context, [
    addServerCommands,
    addBackupCommands,
    addRestoreCommands,
    addRetentionCommands,
    addPolicyCommands,
    addCloneCommands,
    addRunCommands,
    addRepositoryCommands,
    addCatalogCommands,
    addStatusCommand,
    addWindowCommands,
    addWalCommands,
    addDoctorCommand,
  ]);
}
