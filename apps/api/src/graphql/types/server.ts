import { storedDrillSettings } from "@tidemark/jobs";
import type { ServerMember, WalCoverageRow } from "@tidemark/metadata";
import { type CopyLag, nextRuns, type Protection } from "@tidemark/policy";
import type { ServerVerification } from "../../use-cases/verifications.ts";
import { builder } from "../builder.ts";
import { BackupConnection, nestedPageCost, pageArguments, RunConnection } from "../connections.ts";
import { BackupMethodEnum, BackupStateEnum, ProtectionStateEnum, RunKindEnum } from "../enums.ts";
import {
  BackupRef,
  CloneRef,
  FindingRef,
  NodeRef,
  OfflinePeriodRef,
  PolicyRef,
  RepositoryRef,
  RunRef,
  ScheduleRef,
  ServerCheckRef,
  ServerRef,
  ServerSnapshotRef,
} from "../refs.ts";
import { VerifyCoverageRef } from "./backup-sizes.ts";
import { DrillSettingsRef } from "./drill.ts";
import { checkPeriodCount } from "./offline.ts";
import { RecoveryWindowRef } from "./recovery.ts";
import { requiredRow } from "./required-row.ts";
import { ServerWalRef } from "./wal.ts";

const ProtectionRef = builder.objectRef<Protection>("Protection").implement({
  description: "How safe a server is, and why.",
  fields: (t) => ({
    state: t.expose("state", { type: ProtectionStateEnum, description: "The worst thing that is true of it." }),
    reasons: t.stringList({
      description: "Sentences, worst first.",
      resolve: (protection) => protection.reasons.map((reason) => reason.sentence),
    }),
  }),
});

const WalCoverageRef = builder.objectRef<WalCoverageRow>("WalCoverage").implement({
  description:
    "How much of a server's archived WAL in one repository is known to be sound: opened, and its records followed.",
  fields: (t) => ({
    repository: t.field({
      type: RepositoryRef,
      description: "Where: its first repository, or the one its WAL is copied to.",
      resolve: ({ repositoryId }, _args, { loaders }) =>
        requiredRow(loaders.repository.load(repositoryId), repositoryId),
    }),
    segments: t.exposeInt("segments", { description: "Whole ones that are there." }),
    storedBytes: t.expose("storedBytes", { type: "BigInt", description: "What they take." }),
    verifiedSegments: t.exposeInt("verifiedSegments", { description: "Of these." }),
    verifiedBytes: t.expose("verifiedBytes", { type: "BigInt", description: "What those take." }),
    damagedSegments: t.exposeInt("damagedSegments", {
      description: "Found damaged, and not found sound since; they are no part of the recovery window.",
    }),
    share: t.float({
      description: "Of the stored bytes, 0 to 1.",
      resolve: ({ verifiedBytes, storedBytes }) =>
        storedBytes === 0n ? 1 : Number(verifiedBytes) / Number(storedBytes),
    }),
    since: t.expose("since", {
      type: "DateTime",
      nullable: true,
      description: "The oldest verification that counts; null: none does.",
    }),
  }),
});

const ServerVerificationRef = builder.objectRef<ServerVerification>("ServerVerification").implement({
  description: "How far the verification of everything stored is that a policy wants every so many days.",
  fields: (t) => ({
    repository: t.field({
      type: RepositoryRef,
      description: "Where: its first repository, or the one its backups are copied to.",
      resolve: ({ repositoryId }, _args, { loaders }) =>
        requiredRow(loaders.repository.load(repositoryId), repositoryId),
    }),
    days: t.exposeInt("days", { description: "Within how many days; also the number of parts." }),
    freshParts: t.int({
      description: "How many of the parts were read and checked within so many days.",
      resolve: ({ turn }) => turn.freshParts,
    }),
    since: t.field({
      type: "DateTime",
      nullable: true,
      description: "Since when all of it was read at least once; null: some part never was.",
      resolve: ({ turn }) => turn.since,
    }),
    late: t.boolean({
      description: "By more than a day; the server is degraded then.",
      resolve: ({ turn }) => turn.late,
    }),
    sentence: t.exposeString("sentence", { description: "In words." }),
  }),
});

const ServerMemberRef = builder.objectRef<ServerMember>("ServerMember").implement({
  description: "Another node of the same cluster, which may stand in.",
  fields: (t) => ({
    name: t.exposeString("name", { description: "Unique among the server's members." }),
    connection: t.exposeString("connection", { description: "The connection without its password." }),
    addedAt: t.expose("addedAt", { type: "DateTime", description: "When it was added." }),
  }),
});

const CopyLagRef = builder.objectRef<CopyLag>("CopyLag").implement({
  description: "How far a second repository is behind the first.",
  fields: (t) => ({
    missing: t.int({
      description: "Usable backups it lacks; those deleted there on purpose are not counted.",
      resolve: ({ missing }) => missing.length,
    }),
    safeUntil: t.expose("safeUntil", {
      type: "DateTime",
      nullable: true,
      description:
        "When the newest backup in both was finished: what would be left if the first were lost. Null: nothing.",
    }),
    behindSince: t.expose("behindSince", {
      type: "DateTime",
      nullable: true,
      description: "The end of the oldest backup it lacks that is newer; null: it has the newest one.",
    }),
    late: t.exposeBoolean("late", { description: "Behind for more than a day." }),
    sentence: t.exposeString("sentence", { description: "The same in words." }),
  }),
});

const untilContact = "Null until a connection told.";

ServerRef.implement({
  description: "A managed PostgreSQL server.",
  interfaces: [NodeRef],
  isTypeOf: (value) => (value as { id: string }).id.startsWith("srv_"),
  fields: (t) => ({
    id: t.exposeID("id", { description: "`srv_…`" }),
    name: t.exposeString("name", { description: "Unique among registered servers." }),
    connection: t.exposeString("connection", { description: "The connection without its password." }),
    systemIdentifier: t.exposeString("systemIdentifier", {
      nullable: true,
      description: `The cluster's own. ${untilContact}`,
    }),
    serverVersion: t.exposeString("serverVersion", {
      nullable: true,
      description: `As the server prints it. ${untilContact}`,
    }),
    majorVersion: t.exposeInt("majorVersion", { nullable: true, description: `13 to 18. ${untilContact}` }),
    isDemo: t.exposeBoolean("isDemo", { description: "Whether it is the demo server." }),
    inRecovery: t.exposeBoolean("inRecovery", {
      nullable: true,
      description: `Whether it is a standby. ${untilContact}`,
    }),
    lastContactAt: t.expose("lastContactAt", {
      type: "DateTime",
      nullable: true,
      description: "When it last answered; null: never.",
    }),
    sizeBytes: t.expose("sizeBytes", {
      type: "BigInt",
      nullable: true,
      description: `Of all its databases. ${untilContact}`,
    }),
    backupMethod: t.expose("backupMethod", {
      type: BackupMethodEnum,
      description:
        "How its backups are taken when one asks for no other method: those of schedules, for example. Adding a server chooses it by what the role may do.",
    }),
    createdAt: t.expose("createdAt", { type: "DateTime", description: "When it was registered." }),
    version: t.exposeInt("version", {
      description: "Counts changes of its settings; see UpdateServerInput.expectedVersion.",
    }),
    repository: t.field({
      type: RepositoryRef,
      description: "Where its backups go.",
      resolve: (server, _args, { loaders }) =>
        requiredRow(loaders.repository.load(server.repositoryId), server.repositoryId),
    }),
    copyTo: t.field({
      type: RepositoryRef,
      nullable: true,
      description: "The second repository its backups are copied to; null: none.",
      resolve: (server, _args, { loaders }) =>
        server.copyToId === null ? null : loaders.repository.load(server.copyToId),
    }),
    copyMaxRateKib: t.exposeInt("copyMaxRateKib", {
      nullable: true,
      description: "KiB a second that copies there take at most, backups and WAL each; null: the workers' setting.",
    }),
    copyLag: t.field({
      type: CopyLagRef,
      nullable: true,
      description: "How far the second repository is behind; null: it has none.",
      complexity: { field: 50, multiplier: 1 },
      resolve: (server, _args, { loaders }) => loaders.copyLagOfServer.load(server),
    }),
    coverage: t.field({
      type: VerifyCoverageRef,
      nullable: true,
      description: "What each of its backups is verified to at least; null: it has no backups.",
      resolve: (server, _args, { loaders }) => loaders.coverageOfServer.load(server.id),
    }),
    walCoverage: t.field({
      type: [WalCoverageRef],
      description: "What of its archived WAL is verified, in each of its repositories; empty: none is archived.",
      complexity: { field: 5, multiplier: 1 },
      resolve: async (server, _args, { loaders }) => [...(await loaders.walCoverageOfServer.load(server.id))],
    }),
    verifications: t.field({
      type: [ServerVerificationRef],
      description: "What its policy wants verified by itself, in each of its repositories; empty: nothing.",
      resolve: async (server, _args, { loaders }) => [...(await loaders.standing.load(server)).verifications],
    }),
    timeZone: t.string({
      nullable: true,
      description: "The zone of its own clock (log_timezone), as last seen; null: not known yet.",
      resolve: async (server, _args, { loaders }) =>
        (await loaders.inspectionOfServer.load(server.id))?.snapshot.info.timeZone ?? null,
    }),
    wal: t.field({
      type: ServerWalRef,
      description: "How its WAL comes to us, and what would be lost now.",
      resolve: (server, _args, { loaders }) => loaders.walOfServer.load(server),
    }),
    recoveryWindow: t.field({
      type: RecoveryWindowRef,
      description: "To where it can be restored.",
      complexity: 500,
      resolve: (server, _args, { loaders }) => loaders.windowOfServer.load(server),
    }),
    policy: t.field({
      type: PolicyRef,
      description: "Which backups are kept.",
      resolve: (server, _args, { loaders }) => requiredRow(loaders.policy.load(server.policyId), server.policyId),
    }),
    protection: t.field({
      type: ProtectionRef,
      description: "How safe it is now.",
      resolve: async (server, _args, { loaders }) => (await loaders.standing.load(server)).protection,
    }),
    lastBackup: t.field({
      type: BackupRef,
      nullable: true,
      description: "The newest restorable one; null when there is none.",
      resolve: async (server, _args, { loaders }) => (await loaders.standing.load(server)).lastBackup,
    }),
    lastProven: t.field({
      type: BackupRef,
      nullable: true,
      description: "The one a drill proved last; null when none was.",
      resolve: async (server, _args, { loaders }) => (await loaders.standing.load(server)).lastProven,
    }),
    nextBackupAt: t.field({
      type: "DateTime",
      nullable: true,
      description: "When the schedule takes the next one; null without an enabled backup schedule.",
      resolve: async (server, _args, { loaders, services }) => {
        const schedules = await loaders.schedulesOfServer.load(server.id);
        const schedule = schedules.find((one) => one.kind === "backup" && one.enabled);
        if (schedule === undefined) return null;
        return nextRuns(schedule.cron, schedule.zone, services.clock.now(), 1)[0] ?? null;
      },
    }),
    runningRun: t.field({
      type: RunRef,
      nullable: true,
      description: "What runs or waits for it now; null when nothing does.",
      resolve: async (server, _args, { loaders }) => {
        const runs = await loaders.unfinishedOfServer.load(server.id);
        return runs.find((run) => run.state === "running") ?? runs.at(-1) ?? null;
      },
    }),
    clones: t.field({
      type: [CloneRef],
      description: "Newest first; at most 100.",
      args: { living: t.arg.boolean({ defaultValue: true, description: "Only those that have not ended." }) },
      complexity: { field: 20, multiplier: 5 },
      resolve: async (server, { living }, { services }) => [
        ...(
          await services.metadata.clones.list({ serverIds: [server.id], ...(living === false ? {} : { living: true }) })
        ).slice(0, 100),
      ],
    }),
    drillSettings: t.field({
      type: DrillSettingsRef,
      description: "How its drills are done, where a request says nothing else.",
      resolve: ({ drillSettings }) => storedDrillSettings(drillSettings),
    }),
    schedules: t.field({
      type: [ScheduleRef],
      description: "At most one of each kind.",
      complexity: { field: 1, multiplier: 4 },
      resolve: (server, _args, { loaders }) => loaders.schedulesOfServer.load(server.id),
    }),
    members: t.field({
      type: [ServerMemberRef],
      description: "Other nodes of the same cluster.",
      complexity: { field: 1, multiplier: 3 },
      resolve: (server, _args, { loaders }) => loaders.membersOfServer.load(server.id),
    }),
    findings: t.field({
      type: [FindingRef],
      description: "What checks found, newest first; at most 100.",
      args: {
        open: t.arg.boolean({ defaultValue: true, description: "True: what is still so; false: what was resolved." }),
      },
      resolve: (server, { open }, { loaders }) =>
        open === false
          ? loaders.resolvedFindingsOfServer.load(server.id)
          : loaders.openFindingsOfServer.load(server.id),
    }),
    offline: t.field({
      type: OfflinePeriodRef,
      nullable: true,
      description: "Since when, why and by whom it is out of service; null: it is online.",
      resolve: (server, _args, { loaders }) => loaders.offlineOfServer.load(server.id),
    }),
    offlinePeriods: t.field({
      type: [OfflinePeriodRef],
      description: "Newest first, the present one included.",
      args: { first: t.arg.int({ defaultValue: 20, description: "At most so many, 1 to 100." }) },
      complexity: ({ first }) => ({ field: 500, multiplier: Math.min(Math.max(first ?? 20, 1), 100) }),
      resolve: async (server, { first }, { services }) => [
        ...(await services.metadata.offline.ofServer(server.id, checkPeriodCount(first))),
      ],
    }),
    snapshot: t.field({
      type: ServerSnapshotRef,
      nullable: true,
      description: "What it told of itself when it was last inspected; null: it never was.",
      resolve: async (server, _args, { loaders }) => (await loaders.inspectionOfServer.load(server.id))?.snapshot,
    }),
    checks: t.field({
      type: [ServerCheckRef],
      description: "All checks as they last stood, the good ones too; empty: it was never inspected.",
      complexity: { field: 1, multiplier: 30 },
      resolve: async (server, _args, { loaders }) => [
        ...((await loaders.inspectionOfServer.load(server.id))?.checks ?? []),
      ],
    }),
    backups: t.field({
      type: BackupConnection,
      description: "Newest first; without states all but deleted ones.",
      args: { states: t.arg({ type: [BackupStateEnum], description: "Only these." }), ...pageArguments },
      complexity: nestedPageCost,
      resolve: (server, { states, ...page }, { services }) =>
        services.metadata.backups.list({ serverId: server.id, states: states ?? undefined }, page),
    }),
    runs: t.field({
      type: RunConnection,
      description: "Newest first.",
      args: { kinds: t.arg({ type: [RunKindEnum], description: "Only these." }), ...pageArguments },
      complexity: nestedPageCost,
      resolve: (server, { kinds, ...page }, { services }) =>
        services.metadata.runs.list({ serverId: server.id, kinds: kinds ?? undefined }, page),
    }),
  }),
});
