import { AppError, formatBytes } from "@tidemark/kit";
import { z } from "zod";
import type { Session } from "./context.ts";
import { findServerId } from "./lookup.ts";
import { formatInstant, lowerState, printOne } from "./output.ts";

export const ServerFacts = z.object({
  id: z.string(),
  name: z.string(),
  connection: z.string(),
  systemIdentifier: z.string().nullable(),
  serverVersion: z.string().nullable(),
  sizeBytes: z.string().nullable(),
  backupMethod: z.string(),
  wal: z.object({ mode: z.string(), synchronous: z.boolean() }),
  createdAt: z.string(),
  nextBackupAt: z.string().nullable(),
  protection: z.object({ state: z.string(), reasons: z.array(z.string()) }),
  repository: z.object({ id: z.string(), name: z.string() }),
  copyTo: z.object({ id: z.string(), name: z.string() }).nullable(),
  offline: z.object({ since: z.string(), by: z.string(), reason: z.string() }).nullable(),
  policy: z.object({ id: z.string(), name: z.string(), sentence: z.string(), targetsSentence: z.string().nullable() }),
  lastBackup: z.object({ id: z.string(), state: z.string(), startedAt: z.string() }).nullable(),
  lastProven: z.object({ id: z.string(), provenAt: z.string().nullable() }).nullable(),
  schedules: z.array(z.object({ kind: z.string(), sentence: z.string(), enabled: z.boolean() })),
});
export type ServerFacts = z.infer<typeof ServerFacts>;

export const serverFields = `id name connection systemIdentifier serverVersion sizeBytes backupMethod wal { mode synchronous } createdAt nextBackupAt
  offline { since by reason } protection { state reasons } repository { id name } copyTo { id name } policy { id name sentence targetsSentence }
  lastBackup { id state startedAt } lastProven { id provenAt } schedules { kind sentence enabled }`;

export async function fetchServer(session: Session, name: string): Promise<ServerFacts> {
  const id = await findServerId(session.api, name);
  const { server } = await session.api.query(
    z.object({ server: ServerFacts.nullable() }),
    `query ($id: ID!) { server(id: $id) { ${serverFields} } }`,
    { id },
  );
  if (server === null) throw new AppError("not-found", { message: `server ${name} was removed meanwhile` });
  return server;
}

export function printServer(session: Session, server: ServerFacts): void {
  printOne(session.output, serverJson(server), [
    ["name", server.name],
    ["id", server.id],
    ["state", lowerState(server.protection.state)],
    ["because", server.protection.reasons.join("; ") || null],
    [
      "offline",
      server.offline === null
        ? null
        : `since ${formatInstant(server.offline.since)} by ${server.offline.by}: ${server.offline.reason}`,
    ],
    ["connection", server.connection],
    ["version", server.serverVersion],
    ["system", server.systemIdentifier],
    ["size", server.sizeBytes === null ? null : formatBytes(BigInt(server.sizeBytes))],
    ["repository", server.repository.name],
    ["copies to", server.copyTo?.name ?? null],
    ["method", lowerState(server.backupMethod)],
    ["WAL", walText(server)],
    ["keeps", server.policy.sentence],
    ["promises", server.policy.targetsSentence],
    ...server.schedules.map(
      (schedule) => [lowerState(schedule.kind), schedule.enabled ? schedule.sentence : "off"] as const,
    ),
    [
      "last backup",
      server.lastBackup === null ? null : `${formatInstant(server.lastBackup.startedAt)} ${server.lastBackup.id}`,
    ],
    [
      "last proven",
      server.lastProven === null ? null : `${formatInstant(server.lastProven.provenAt)} ${server.lastProven.id}`,
    ],
    ["next backup", server.nextBackupAt === null ? null : formatInstant(server.nextBackupAt)],
  ]);
}

function walText(server: ServerFacts): string {
  const { mode, synchronous } = server.wal;
  return `${lowerState(mode)}${synchronous ? ", commits may wait for it" : ""}`;
}

export function serverJson(server: ServerFacts): object {
  return {
    id: server.id,
    state: lowerState(server.protection.state),
    name: server.name,
    reasons: server.protection.reasons,
    offline: server.offline,
    connection: server.connection,
    systemIdentifier: server.systemIdentifier,
    serverVersion: server.serverVersion,
    sizeBytes: server.sizeBytes,
    backupMethod: lowerState(server.backupMethod),
    walMode: lowerState(server.wal.mode),
    synchronous: server.wal.synchronous,
    repository: server.repository.name,
    policy: server.policy.name,
    lastBackupId: server.lastBackup?.id ?? null,
    lastBackupAt: server.lastBackup?.startedAt ?? null,
    lastProvenAt: server.lastProven?.provenAt ?? null,
    nextBackupAt: server.nextBackupAt,
    createdAt: server.createdAt,
  };
}
