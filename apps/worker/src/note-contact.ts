import type { SeenFinding, Server, ServerContact } from "@tidemark/metadata";
import type { ConnectionSettings, ReplicationSession } from "@tidemark/postgres";
import type { WorkerDeps } from "./worker-deps.ts";

type ContactDeps = Pick<WorkerDeps, "metadata" | "logger">;

/** Notes in the server's row that it answered, and what it is by now. A failure to note it never fails the act. */
export async function noteContact(
  deps: ContactDeps,
  server: Server,
  settings: ConnectionSettings,
  session: ReplicationSession,
): Promise<void> {
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
    await recordTlsFinding(deps, server, settings);
  } catch (error) {
    deps.logger.warn({ err: error, serverId: server.id }, "the contact with the server could not be noted");
  }
}

/** `sslmode=prefer` and `allow` send everything in clear when TLS fails, and nobody notices: a finding until it is decided. */
export async function recordTlsFinding(
  deps: ContactDeps,
  server: Pick<Server, "id" | "name">,
  settings: ConnectionSettings,
): Promise<void> {
  const overNetwork = settings.hosts.some(({ host }) => !host.startsWith("/") && !isLoopback(host));
  const undecided = settings.sslMode === "prefer" || settings.sslMode === "allow";
  const seen: SeenFinding[] =
    overNetwork && undecided
      ? [
          {
            checkId: "tls-not-required",
            severity: "note",
            title: `The connection to ${server.name} may be unencrypted`,
            found: `sslmode=${settings.sslMode} goes on without TLS when the server does not offer it`,
            required: "sslmode=require or verify-full",
            why: "whoever listens on the network would read the whole database",
            remedy: { settings: "add sslmode=require (or verify-full with sslrootcert) to the connection string" },
            actionLabel: "Change the connection",
            actionPath: `/servers/${server.id}?tab=settings`,
          },
        ]
      : [];
  await deps.metadata.findings.record({ kind: "server", serverId: server.id }, ["tls-not-required"], seen);
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || host.startsWith("127.");
}
