import { type CatalogEntry, listCatalog } from "@tidemark/engine";
import { AppError, idKind } from "@tidemark/kit";
import type { Server } from "@tidemark/metadata";
import { defaultRetention } from "@tidemark/policy";
import type { BackupFacts, Repository } from "@tidemark/repository";
import { versionText } from "./backup-mirror.ts";
import type { WorkerDeps } from "./worker-deps.ts";

type AdoptDeps = Pick<WorkerDeps, "metadata" | "logger">;

export interface Adoption {
  readonly added: readonly Server[];
  /** What could not be taken over, as sentences. */
  readonly notes: readonly string[];
}

/**
 * Makes a server of every area of a repository that no registered server has: what a control plane does that was set up
 * anew, its database lost. Such a server has no connection, no schedules, and is offline until somebody gives it one;
 * its backups can be restored, held and verified. An area that belongs to a server already, here or (a copy) through
 * another repository, is left alone.
 */
export async function adoptServers(deps: AdoptDeps, repositoryId: string, repository: Repository): Promise<Adoption> {
  const known = new Set((await deps.metadata.servers.all()).map((server) => server.areaId));
  const added: Server[] = [];
  const notes: string[] = [];
  for (const areaId of await repository.serverIds()) {
    if (known.has(areaId)) continue;
    const facts = newestFacts(await listCatalog(repository.area(areaId)));
    if (facts === null) notes.push(`${areaId} holds no backup that can be read; no server was made of it`);
    else {
      // WAL came before, so it is wanted; how it is to come now can be changed before the server is set online.
      const hasWal = (await repository.area(areaId).walIdentifiers()).length > 0;
      added.push(await adopt(deps, { repositoryId, areaId, facts, hasWal }));
    }
  }
  for (const server of added) deps.logger.info({ serverId: server.id }, "a server was taken over from its repository");
  return { added, notes };
}

function newestFacts(catalog: readonly CatalogEntry[]): BackupFacts | null {
  return catalog.findLast(({ backup }) => backup.facts !== null)?.backup.facts ?? null;
}

interface Found {
  readonly repositoryId: string;
  readonly areaId: string;
  readonly facts: BackupFacts;
  readonly hasWal: boolean;
}

async function adopt(deps: AdoptDeps, found: Found): Promise<Server> {
  const { servers, offline } = deps.metadata;
  const { areaId, facts, repositoryId, hasWal } = found;
  // Its old id, so that links and notes people have still lead to it; one that is in use names a removed server.
  const isFree = idKind(areaId) === "server" && (await servers.get(areaId)) === null;
  const name = await freeName(deps, facts.serverName, areaId);
  const server = await servers.register({
    ...(isFree ? { id: areaId } : {}),
    name,
    areaId,
    repositoryId,
    walMode: hasWal ? "stream" : "none",
    sealedDsn: "",
    connection: "",
    policy: { create: { name: await freePolicyName(deps, `${name} retention`, areaId), ...defaultRetention } },
  });
  await servers.update(server.id, {
    contact: {
      systemIdentifier: String(facts.systemIdentifier),
      serverVersion: versionText(facts.serverVersion),
      majorVersion: Math.floor(facts.serverVersion / 10_000),
      inRecovery: facts.fromStandby,
      sizeBytes: null,
    },
  });
  await offline.setOffline({ serverId: server.id, by: "tidemark", reason: noConnectionYet });
  return server;
}

const noConnectionYet =
  "it was taken over from its repository and has no connection yet: give it one, then set it online";

/** The name is the one people know; a second of that name says which area it is. */
async function freeName(deps: AdoptDeps, wanted: string, areaId: string): Promise<string> {
  return (await deps.metadata.servers.findByName(wanted)) === null ? wanted : `${wanted} (${areaId})`;
}

async function freePolicyName(deps: AdoptDeps, wanted: string, areaId: string): Promise<string> {
  return (await deps.metadata.policies.findByName(wanted)) === null ? wanted : `${wanted} (${areaId})`;
}

/** Throws `connection-missing` for a server that was taken over and was given none since. */
export function requireConnection(server: Pick<Server, "id" | "name" | "connection">): void {
  if (server.connection !== "") return;
  throw new AppError("connection-missing", {
    message: `${server.name} has no connection: it was taken over from its repository`,
    hint: "give it a connection string; its backups can be restored without one",
    context: { serverId: server.id },
  });
}
