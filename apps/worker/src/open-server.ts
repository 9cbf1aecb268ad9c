import { AppError } from "@tidemark/kit";
import type { Server } from "@tidemark/metadata";
import { type ConnectionSettings, parseDsn } from "@tidemark/postgres";
import { requireConnection } from "./adopt-servers.ts";
import type { WorkerDeps } from "./worker-deps.ts";

/** A registered server, or `not-found` for one that was removed meanwhile. */
export async function requireServer(deps: Pick<WorkerDeps, "metadata">, serverId: string): Promise<Server> {
  const server = await deps.metadata.servers.get(serverId);
  if (server !== null && server.removedAt === null) return server;
  throw new AppError("not-found", {
    message: `there is no server ${serverId}`,
    hint: "it may have been removed meanwhile",
  });
}

/** Opens a server's stored connection; the one place where a DSN is in clear text. */
export async function serverConnection(
  deps: Pick<WorkerDeps, "metadata" | "key">,
  serverId: string,
): Promise<ConnectionSettings> {
  const { sealedDsn } = await deps.metadata.servers.credentials(serverId);
  requireConnection(await requireServer(deps, serverId));
  return parseDsn((await deps.key.open(sealedDsn)).reveal());
}
