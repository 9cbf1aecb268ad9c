import { AppError, formatAge } from "@tidemark/kit";
import { z } from "zod";
import type { Session } from "./context.ts";
import { findServerId } from "./lookup.ts";
import { Privileges } from "./privileges.ts";
import { parseResult, requireActDone, runToEnd } from "./server-run.ts";

const Instant = z.string();
const Text = z.string().nullable();

/** What a server told of itself when it was last inspected: the document of REST, as far as tables show it. */
export const Snapshot = z.looseObject({
  observedAt: Instant,
  info: z.looseObject({
    versionText: z.string(),
    inRecovery: z.boolean(),
    systemIdentifier: Text,
    valid: z.boolean(),
    invalidReasons: z.array(z.string()),
    dataChecksums: z.boolean(),
    walLevel: z.string(),
    walSegmentSizeBytes: z.number(),
    blockSizeBytes: z.number(),
    walBlockSizeBytes: z.number(),
    summarizeWal: z.boolean().nullable(),
    trackCommitTimestamp: z.boolean(),
    fips: z.boolean().nullable(),
    dataDirectory: Text,
    archiveTimeoutSeconds: z.number(),
    checkpointTimeoutSeconds: z.number(),
    startedAt: Instant,
    configurationLoadedAt: Instant,
    clockDifferenceMs: z.number(),
    timeZone: z.string().nullable(),
    maxWalSenders: z.number(),
    usedWalSenders: z.number(),
    maxReplicationSlots: z.number(),
    usedReplicationSlots: z.number(),
  }),
  extensions: z.array(z.looseObject({ name: z.string(), version: z.string() })),
  tablespaces: z.array(z.looseObject({ name: z.string(), path: z.string() })),
  configurationFiles: z.array(z.looseObject({ purpose: z.string(), path: z.string() })).nullable(),
  wal: z
    .looseObject({
      lsn: z.string(),
      fileName: Text,
      fileOffset: z.number().nullable(),
      timeline: z.number().nullable(),
    })
    .nullable(),
  recovery: z
    .looseObject({
      receivedLsn: Text,
      replayedLsn: Text,
      replayedAt: Text,
      isPaused: z.boolean(),
      senderHost: Text,
      senderPort: z.number().nullable(),
    })
    .nullable(),
  archiver: z
    .looseObject({
      mode: z.string(),
      command: Text,
      library: Text,
      isArchiving: z.boolean(),
      archivedCount: z.string(),
      failedCount: z.string(),
      lastArchivedWal: Text,
      lastFailedWal: Text,
    })
    .nullable(),
  slots: z
    .array(
      z.looseObject({
        name: z.string(),
        kind: z.string(),
        database: Text,
        temporary: z.boolean(),
        active: z.boolean(),
        restartLsn: Text,
        retainedBytes: Text,
        walStatus: Text,
        safeWalSizeBytes: Text,
        inactiveSince: Text,
        invalidationReason: Text,
        own: z.boolean(),
      }),
    )
    .nullable(),
  replication: z
    .array(
      z.looseObject({
        pid: z.number(),
        kind: z.string(),
        user: Text,
        applicationName: Text,
        clientAddress: Text,
        state: Text,
        sentLsn: Text,
        replayLsn: Text,
        flushLsn: Text,
        lagBytes: Text,
        syncState: Text,
        slotName: Text,
      }),
    )
    .nullable(),
  synchronousStandbys: z.looseObject({ text: z.string(), method: z.string() }),
  privileges: Privileges,
  unreadable: z.array(z.object({ section: z.string(), code: z.string(), message: z.string() })),
});
export type Snapshot = z.infer<typeof Snapshot>;

/** Inspects the server first unless the last inspection is enough (`cached`); `not-found` when there was none. */
export async function fetchSnapshot(session: Session, name: string, cached: boolean): Promise<Snapshot> {
  const serverId = await findServerId(session.api, name);
  if (!cached) requireActDone(await runToEnd(session, "inspectServer", { serverId }));
  const text = await downloadSnapshot(session, name, serverId);
  const snapshot = parseResult(Snapshot, JSON.parse(text));
  if (cached) {
    const ageMs = session.clock.now().getTime() - Date.parse(snapshot.observedAt);
    session.output.note(`as ${name} was ${formatAge(ageMs)} ago\n`);
  }
  return snapshot;
}

async function downloadSnapshot(session: Session, name: string, serverId: string): Promise<string> {
  try {
    return await session.api.download(`/api/v1/servers/${serverId}/snapshot`, {});
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== "not-found") throw error;
    throw new AppError("not-found", {
      message: `${name} was never inspected`,
      hint: "leave out --cached: then it is inspected now",
      cause: error,
    });
  }
}

/** A section this role could not read: throws why. */
export function requireSection<Section>(
  snapshot: Snapshot,
  name: keyof Snapshot & string,
  section: Section | null,
): Section {
  if (section !== null) return section;
  const why = snapshot.unreadable.find((one) => one.section === name);
  throw new AppError("privilege-missing", {
    message: why?.message ?? `the server's ${name} could not be read`,
    hint: "`tidemark server privileges NAME` says what is missing",
  });
}
