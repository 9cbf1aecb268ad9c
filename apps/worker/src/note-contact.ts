import type { Server, ServerContact } from "@tidemark/metadata";
import type { ReplicationSession } from "@tidemark/postgres";
import type { WorkerDeps } from "./worker-deps.ts";

type ContactDeps = Pick<WorkerDeps, "metadata" | "logger">;

/** Notes in the server's row that it answered, and what it is by now. A failure to note it never fails the act. */
export async function noteContact(deps: ContactDeps, server: Server, session: ReplicationSession): Promise<void> {
  try {
    const identity = await session.identifySystem();
    const contact: ServerContact = {
      systemIdentifier: String(identity.systemIdentifier),
      serverVersion: session.versionText,
      majorVersion: session.major,
      inRecovery: server.inRecovery ?? false,
      sizeBytes: server.sizeBytes,
    };
    // Another cluster behind the address is for the backup to refuse, not for the row to forget.
    if (server.systemIdentifier === null || server.systemIdentifier === contact.systemIdentifier) {
      await deps.metadata.servers.recordContact(server.id, contact);
    }
  } catch (error) {
    deps.logger.warn({ err: error, serverId: server.id }, "the contact with the server could not be noted");
  }
}
