import type { BackupRow, ProofRow, VerificationRow } from "@tidemark/metadata";
import { builder } from "../builder.ts";
import { VerifyTierEnum } from "../enums.ts";
import { RunRef } from "../refs.ts";
import { VerifyCoverageRef } from "./backup-sizes.ts";

type Files = NonNullable<BackupRow["files"]>;

export const TablespaceRef = builder.objectRef<BackupRow["tablespaces"][number]>("Tablespace").implement({
  description: "A tablespace of a backup.",
  fields: (t) => ({
    oid: t.exposeInt("oid", { description: "The server's number for it." }),
    path: t.exposeString("path", { description: "Where it was on the server." }),
    sizeBytes: t.field({
      type: "BigInt",
      nullable: true,
      description: "Null when the server did not say.",
      resolve: (tablespace) => toBigInt(tablespace.sizeBytes),
    }),
  }),
});

export const SuspectPagesRef = builder.objectRef<BackupRow["suspectPages"][number]>("SuspectPages").implement({
  description: "Pages of one file whose checksum did not match.",
  fields: (t) => ({
    path: t.exposeString("path", { description: "Of the file, below the data directory." }),
    blocks: t.intList({ description: "Block numbers.", resolve: (suspect) => [...suspect.blocks] }),
  }),
});

export const VerificationRef = builder.objectRef<VerificationRow>("Verification").implement({
  description: "What a verification found.",
  fields: (t) => ({
    at: t.field({ type: "DateTime", description: "When.", resolve: (one) => new Date(one.at) }),
    ok: t.exposeBoolean("ok", { description: "Whether everything was as written." }),
    checkedBytes: t.field({
      type: "BigInt",
      description: "Bytes read and compared.",
      resolve: (one) => BigInt(one.checkedBytes),
    }),
    checkedFiles: t.exposeInt("checkedFiles", { description: "Files compared." }),
    problems: t.stringList({ description: "Sentences that name file and block.", resolve: (one) => [...one.problems] }),
    tier: t.field({
      type: VerifyTierEnum,
      description: "How deep it looked.",
      resolve: ({ tier }) => tier ?? "whole",
    }),
    part: t.int({
      nullable: true,
      description: "Which part of the packs it saw; null: all of them.",
      resolve: ({ subset }) => subset?.part ?? null,
    }),
    parts: t.int({
      nullable: true,
      description: "Into how many parts they were divided; null: it saw all.",
      resolve: ({ subset }) => subset?.of ?? null,
    }),
    healing: t.stringList({
      description: "What mends what was found; none when nothing was.",
      resolve: ({ healing }) => [...(healing ?? [])],
    }),
    coverage: t.field({
      type: VerifyCoverageRef,
      nullable: true,
      description: "By then; of an older Tidemark's verification null.",
      resolve: ({ coverage }) => coverage ?? null,
    }),
  }),
});

export const ProofPhaseRef = builder.objectRef<ProofRow["phases"][number]>("ProofPhase").implement({
  description: "A part of a drill.",
  fields: (t) => ({
    name: t.exposeString("name", { description: "Which." }),
    durationMs: t.exposeFloat("durationMs", { description: "Milliseconds it took." }),
  }),
});

export const ProofCheckRef = builder.objectRef<ProofRow["checks"][number]>("ProofCheck").implement({
  description: "Something a drill checked on the started server.",
  fields: (t) => ({
    name: t.exposeString("name", { description: "Which." }),
    ok: t.exposeBoolean("ok", { description: "Whether it passed." }),
    detail: t.exposeString("detail", { description: "What was found." }),
  }),
});

export const ProofRef = builder.objectRef<ProofRow>("Proof").implement({
  description: "What a drill found: restored, started, checked.",
  fields: (t) => ({
    at: t.field({ type: "DateTime", description: "When.", resolve: (proof) => new Date(proof.at) }),
    ok: t.exposeBoolean("ok", { description: "Whether the server started and every check passed." }),
    outcome: t.exposeString("outcome", { description: "proven, failed or not-possible." }),
    rtoMs: t.exposeFloat("rtoMs", {
      nullable: true,
      description: "Milliseconds from begin to a usable server; null when it never was.",
    }),
    phases: t.field({ type: [ProofPhaseRef], description: "In order.", resolve: (proof) => proof.phases }),
    checks: t.field({ type: [ProofCheckRef], description: "In order.", resolve: (proof) => proof.checks }),
    run: t.field({
      type: RunRef,
      nullable: true,
      description: "The drill, with its evidence; null: an older Tidemark did not keep which it was.",
      resolve: ({ runId }, _args, { services }) => (runId == null ? null : services.metadata.runs.get(runId)),
    }),
  }),
});

export const HoldRef = builder.objectRef<NonNullable<BackupRow["hold"]>>("Hold").implement({
  description: "Who keeps a backup from being deleted.",
  fields: (t) => ({
    by: t.exposeString("by", { description: "Who." }),
    at: t.expose("at", { type: "DateTime", description: "Since when." }),
    reason: t.exposeString("reason", { description: "Why." }),
  }),
});

const FileClassRef = builder.objectRef<Files["classes"][number]>("FileClass").implement({
  description: "Files of about one size.",
  fields: (t) => ({
    label: t.exposeString("label", { description: "The sizes." }),
    count: t.exposeInt("count", { description: "How many files." }),
    bytes: t.field({ type: "BigInt", description: "Together.", resolve: (one) => BigInt(one.bytes) }),
  }),
});

const LargeFileRef = builder.objectRef<Files["largest"][number]>("LargeFile").implement({
  description: "One of the largest files.",
  fields: (t) => ({
    path: t.exposeString("path", { description: "Below the data directory." }),
    bytes: t.field({ type: "BigInt", description: "Its size.", resolve: (file) => BigInt(file.bytes) }),
  }),
});

export const BackupFilesRef = builder.objectRef<Files>("BackupFiles").implement({
  description: "What a backup consists of.",
  fields: (t) => ({
    classes: t.field({ type: [FileClassRef], description: "By size.", resolve: (files) => files.classes }),
    largest: t.field({ type: [LargeFileRef], description: "Largest first.", resolve: (files) => files.largest }),
  }),
});

/** Sizes in JSON columns are decimal text. */
export function toBigInt(text: string | null): bigint | null {
  return text === null ? null : BigInt(text);
}
