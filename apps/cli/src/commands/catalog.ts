import { listCatalog } from "@tidemark/engine";
import { AppError, formatBytes } from "@tidemark/kit";
import { openRepository, type Repository } from "@tidemark/repository";
import { ReadOnlyStore } from "@tidemark/storage";
import type { Command } from "commander";
import { z } from "zod";
import { refuseUserErrors, UserError, userErrorFields } from "../api-client.ts";
import { type CommandContext, type CommonOptions, openSession } from "../context.ts";
import { credentialsFileHelp, openDirectStore, storeAddressHelp } from "../direct-store.ts";
import { exitCodes } from "../exit-code.ts";
import { RunFacts, runFields, startedOrFinished } from "../follow-run.ts";
import { formatInstant, printList } from "../output.ts";
import type { Register } from "../program.ts";
import { readRepositoryKey } from "../repository-key-file.ts";
import { findRepositoryId } from "./copies.ts";

interface ListOptions extends CommonOptions {
  readonly repository: string;
  readonly credentialsFile?: string;
  readonly keyFile?: string;
  readonly passphraseFile?: string;
}

interface RebuildOptions extends CommonOptions {
  readonly wait?: boolean;
}

/** What repositories hold, told by their bytes alone. */
export function addCatalogCommands(root: Command, context: CommandContext, register: Register): void {
  const catalog = root.command("catalog").description("what a repository holds, from its bytes alone");
  register(
    catalog
      .command("rebuild <repository>")
      .description("make servers, backups and holds of an attached repository known again, after the database was lost")
      .option("--wait", "follow it to its end"),
    (repository, options) => rebuild(context, repository as string, options as RebuildOptions),
  );
  register(
    catalog
      .command("list")
      .description("list servers and backups straight from a repository, without a control plane")
      .requiredOption("--repository <url>", storeAddressHelp)
      .option("--credentials-file <file>", credentialsFileHelp)
      .option("--key-file <file>", "the repository's key file, its recovery kit, or an age identity file")
      .option("--passphrase-file <file>", "its passphrase instead"),
    (options) => list(context, options as ListOptions),
  );
}

async function rebuild(context: CommandContext, repository: string, options: RebuildOptions): Promise<number> {
  const session = openSession(context, options);
  const repositoryId = await findRepositoryId(session.api, repository);
  const { rebuildCatalog: payload } = await session.api.query(
    z.object({ rebuildCatalog: z.object({ run: RunFacts.nullable(), userErrors: z.array(UserError) }) }),
    `mutation ($input: RebuildCatalogInput!) { rebuildCatalog(input: $input) { run { ${runFields} } ${userErrorFields} } }`,
    { input: { repositoryId } },
  );
  refuseUserErrors(payload.userErrors);
  if (payload.run === null) throw new AppError("internal", { message: "the control plane started no run" });
  return await startedOrFinished(session, payload.run, options.wait === true);
}

interface ListedBackup {
  readonly id: string;
  readonly state: string;
  readonly serverId: string;
  readonly server: string | null;
  readonly startedAt: string | null;
  readonly sizeBytes: string;
  readonly hold: string | null;
  readonly damaged: string | null;
}

/** Exit code 1 when a backup cannot be trusted, so that a script notices. */
async function list(context: CommandContext, options: ListOptions): Promise<number> {
  const output = context.output(options.output);
  const store = new ReadOnlyStore(await openDirectStore(context.environment, options));
  const repository = await openRepository(store, { key: readRepositoryKey(options) });
  try {
    const backups = await listBackups(repository);
    printList(
      output,
      backups,
      (row) => row,
      [
        { title: "server", value: (row) => row.server ?? row.serverId },
        { title: "backup", value: (row) => row.id },
        { title: "started", value: (row) => formatInstant(row.startedAt) },
        { title: "size", value: (row) => formatBytes(BigInt(row.sizeBytes)), alignRight: true },
        { title: "hold", value: (row) => row.hold ?? "–" },
        { title: "state", value: (row) => row.damaged ?? row.state },
      ],
      "the repository holds no backups",
    );
    return backups.every(({ damaged }) => damaged === null) ? exitCodes.done : exitCodes.failed;
  } finally {
    await repository.close();
  }
}

async function listBackups(repository: Repository): Promise<readonly ListedBackup[]> {
  const found: ListedBackup[] = [];
  for (const serverId of await repository.serverIds()) {
    const entries = await listCatalog(repository.area(serverId));
    const newest = entries.findLast(({ backup }) => backup.facts !== null)?.backup.facts?.serverName ?? null;
    for (const { backup, damaged, hold } of entries) {
      found.push({
        id: backup.backupId,
        state: damaged === null ? "restorable" : "damaged",
        serverId,
        server: backup.facts?.serverName ?? newest,
        startedAt: backup.facts?.startedAt.toISOString() ?? null,
        sizeBytes: String(backup.plainBytes),
        hold: hold?.text ?? null,
        damaged,
      });
    }
  }
  return found;
}
