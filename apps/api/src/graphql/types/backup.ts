import type { BackupRow, ProofRow, VerificationRow } from "@tidemark/metadata";
import { sizesOf } from "../../use-cases/backup-sizes.ts";
import { BackupStateEnum } from "../enums.ts";
import { BackupRef, NodeRef, RepositoryRef, RunErrorRef, RunRef, ServerRef } from "../refs.ts";
import { BackupFilesRef, HoldRef, ProofRef, SuspectPagesRef, TablespaceRef, VerificationRef } from "./backup-parts.ts";
import { BackupPlaceRef, BackupReadingRef, BackupSizesRef, TrustCheckRef, VerifyCoverageRef } from "./backup-sizes.ts";
import { requiredRow } from "./required-row.ts";

const inManifest = "Null until the manifest is written.";

BackupRef.implement({
  description: "One backup. Each is complete: it restores by itself, and any other may be deleted.",
  interfaces: [NodeRef],
  isTypeOf: (value) => (value as { id: string }).id.startsWith("bak_"),
  fields: (t) => ({
    id: t.exposeID("id", { description: "`bak_…`" }),
    server: t.field({
      type: ServerRef,
      description: "Of which server; found also after the server was removed.",
      resolve: (backup, _args, { loaders }) => requiredRow(loaders.server.load(backup.serverId), backup.serverId),
    }),
    repository: t.field({
      type: RepositoryRef,
      description: "Where it is.",
      resolve: (backup, _args, { loaders }) =>
        requiredRow(loaders.repository.load(backup.repositoryId), backup.repositoryId),
    }),
    run: t.field({
      type: RunRef,
      nullable: true,
      description: "The run that took it; null when the catalogue was rebuilt from the repository.",
      resolve: (backup, _args, { loaders }) => (backup.runId === null ? null : loaders.run.load(backup.runId)),
    }),
    state: t.expose("state", { type: BackupStateEnum, description: "What became of it." }),
    damaged: t.boolean({
      description: "Whether a verification or a drill found it wanting.",
      resolve: (backup) => backup.damageDetail !== null,
    }),
    damageDetail: t.exposeString("damageDetail", {
      nullable: true,
      description: "What is damaged; null: nothing known.",
    }),
    label: t.exposeString("label", { nullable: true, description: "Given when it was taken; null: none." }),
    startedAt: t.expose("startedAt", { type: "DateTime", description: "When it began." }),
    finishedAt: t.expose("finishedAt", {
      type: "DateTime",
      nullable: true,
      description: "When it ended; null while it runs.",
    }),
    durationMs: t.float({
      nullable: true,
      description: "Milliseconds from begin to end; null while it runs.",
      resolve: durationMs,
    }),
    startLsn: t.expose("startLsn", { type: "Lsn", nullable: true, description: `Where its WAL begins. ${inManifest}` }),
    stopLsn: t.expose("stopLsn", {
      type: "Lsn",
      nullable: true,
      description: `From where on it is consistent. ${inManifest}`,
    }),
    timeline: t.exposeInt("timeline", { nullable: true, description: inManifest }),
    serverVersion: t.exposeString("serverVersion", { nullable: true, description: inManifest }),
    systemIdentifier: t.exposeString("systemIdentifier", { nullable: true, description: inManifest }),
    checksumsEnabled: t.exposeBoolean("checksumsEnabled", {
      nullable: true,
      description: `Whether pages carry checksums. ${inManifest}`,
    }),
    fromStandby: t.exposeBoolean("fromStandby", { nullable: true, description: inManifest }),
    fileCount: t.exposeInt("fileCount", { nullable: true, description: inManifest }),
    sizeBytes: t.expose("sizeBytes", {
      type: "BigInt",
      nullable: true,
      description: `What a restore writes. ${inManifest}`,
    }),
    readBytes: t.expose("readBytes", {
      type: "BigInt",
      nullable: true,
      description: `What the server sent. ${inManifest}`,
    }),
    storedBytes: t.expose("storedBytes", {
      type: "BigInt",
      nullable: true,
      description: `What it added to the repository. ${inManifest}`,
    }),
    referencedBytes: t.expose("referencedBytes", {
      type: "BigInt",
      nullable: true,
      description: `What was there already and is pointed at, read again or carried. ${inManifest}`,
    }),
    sizes: t.field({
      type: BackupSizesRef,
      nullable: true,
      description: `Where each byte came from; null also for backups of the first format. ${inManifest}`,
      resolve: sizesOf,
    }),
    places: t.field({
      type: [BackupPlaceRef],
      nullable: true,
      description: "By which backups the packs were written that hold its bytes, most first; null: not looked for yet.",
      complexity: { field: 1, multiplier: 10 },
      resolve: (backup) => backup.places?.map((place) => ({ ...place, of: backup })) ?? null,
    }),
    reading: t.field({
      type: BackupReadingRef,
      nullable: true,
      description: `How much of the server was read; null also for backups of the first format. ${inManifest}`,
      resolve: (backup) => (backup.reading === null ? null : { reading: backup.reading, of: backup }),
    }),
    trust: t.field({
      type: TrustCheckRef,
      nullable: true,
      description: "What was asked for again and compared; null: rolling trust took no part.",
      resolve: (backup) => backup.trust,
    }),
    coverage: t.field({
      type: VerifyCoverageRef,
      nullable: true,
      description: "How much of it is verified by now, also by verifications of others that share its packs.",
      resolve: (backup) => backup.coverage,
    }),
    tablespaces: t.field({
      type: [TablespaceRef],
      description: "Besides the default ones.",
      resolve: (backup) => backup.tablespaces,
    }),
    walStart: t.exposeString("walStart", {
      nullable: true,
      description: `The first WAL segment it needs. ${inManifest}`,
    }),
    walEnd: t.exposeString("walEnd", { nullable: true, description: `The last one. ${inManifest}` }),
    suspectPages: t.field({
      type: [SuspectPagesRef],
      description: "Pages whose checksum did not match while they passed.",
      resolve: (backup) => backup.suspectPages,
    }),
    notes: t.stringList({
      description: "What was noticed while it was taken.",
      resolve: (backup) => [...backup.notes],
    }),
    verifiedAt: t.expose("verifiedAt", {
      type: "DateTime",
      nullable: true,
      description: "When a verification last found it whole; null: never.",
    }),
    verification: t.field({
      type: VerificationRef,
      nullable: true,
      description: "The last one, whatever it found; null: none.",
      resolve: (backup): VerificationRow | null => backup.verification,
    }),
    provenAt: t.expose("provenAt", {
      type: "DateTime",
      nullable: true,
      description: "When a drill last proved it; null: never.",
    }),
    proof: t.field({
      type: ProofRef,
      nullable: true,
      description: "The last drill of it; null: none.",
      resolve: (backup): ProofRow | null => backup.proof,
    }),
    hold: t.expose("hold", {
      type: HoldRef,
      nullable: true,
      description: "While held nobody deletes it; null: not held.",
    }),
    note: t.exposeString("note", { nullable: true, description: "What somebody wrote about it; null: nothing." }),
    files: t.expose("files", {
      type: BackupFilesRef,
      nullable: true,
      description: `Largest files and the number of files by size class. ${inManifest}`,
    }),
    retentionReasons: t.stringList({
      description: "Why retention last kept it.",
      resolve: (backup) => [...backup.retentionReasons],
    }),
    deletedAt: t.expose("deletedAt", { type: "DateTime", nullable: true, description: "Null: it is there." }),
    deletedReason: t.exposeString("deletedReason", {
      nullable: true,
      description: "Why it was deleted; null: it is there.",
    }),
    error: t.expose("error", { type: RunErrorRef, nullable: true, description: "Why it failed; null: it did not." }),
  }),
});

/** A clock that jumped back gives nought, not less. */
function durationMs(backup: BackupRow): number | null {
  if (backup.finishedAt === null) return null;
  return Math.max(0, backup.finishedAt.getTime() - backup.startedAt.getTime());
}
