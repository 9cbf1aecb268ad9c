import type { BackupRow, CoverageRow, PlaceRow, ReadingRow, TrustRow } from "@tidemark/metadata";
import type { BackupSizes } from "../../use-cases/backup-sizes.ts";
import { readingReason } from "../../use-cases/reading-reason.ts";
import { builder } from "../builder.ts";
import { OlderPageEnum, ReadingKindEnum } from "../enums.ts";
import { BackupRef } from "../refs.ts";

export const BackupSizesRef = builder.objectRef<BackupSizes>("BackupSizes").implement({
  description: "Where each byte of a backup came from: total = new + referenced + carried + zero.",
  fields: (t) => ({
    totalBytes: t.expose("totalBytes", { type: "BigInt", description: "All files: what a restore writes." }),
    newBytes: t.expose("newBytes", { type: "BigInt", description: "Stored by this backup, before compression." }),
    referencedBytes: t.expose("referencedBytes", {
      type: "BigInt",
      description: "Read, found to be stored already, and referred to.",
    }),
    carriedBytes: t.expose("carriedBytes", {
      type: "BigInt",
      description: "Not read, because nothing changed there: referred to where an earlier backup stored them.",
    }),
    zeroBytes: t.expose("zeroBytes", { type: "BigInt", description: "Zeros, which take no room." }),
    readBytes: t.expose("readBytes", { type: "BigInt", description: "Read for it, before compression." }),
    sentBytes: t.expose("sentBytes", {
      type: "BigInt",
      nullable: true,
      description: "What the server sent over the wire; null where files did not come that way.",
    }),
    storedBytes: t.expose("storedBytes", { type: "BigInt", description: "What it added to the repository." }),
  }),
});

export const BackupPlaceRef = builder.objectRef<PlaceRow & { readonly of: BackupRow }>("BackupPlace").implement({
  description: "Bytes of a backup that lie in packs one backup wrote. They stay there while anything needs them.",
  fields: (t) => ({
    backupId: t.exposeID("backupId", {
      nullable: true,
      description: "Which backup wrote the packs; null: their heads could not be read.",
    }),
    backup: t.field({
      type: BackupRef,
      nullable: true,
      description: "The same, as far as it is known here; it may be deleted.",
      resolve: ({ backupId }, _args, { loaders }) => (backupId === null ? null : loaders.backup.load(backupId)),
    }),
    own: t.boolean({
      description: "Whether it is the backup itself.",
      resolve: (place) => place.backupId === place.of.id,
    }),
    packs: t.exposeInt("packs", { description: "How many packs." }),
    bytes: t.field({
      type: "BigInt",
      description: "Of this backup, before compression.",
      resolve: (place) => BigInt(place.bytes),
    }),
  }),
});

export const BackupReadingRef = builder
  .objectRef<{ readonly reading: ReadingRow; readonly of: BackupRow }>("BackupReading")
  .implement({
    description: "How much of the server was read for a backup. The backup is complete either way.",
    fields: (t) => ({
      kind: t.field({ type: ReadingKindEnum, description: "How much.", resolve: ({ reading }) => reading.kind }),
      reason: t.string({
        nullable: true,
        description: "Why everything was read; null: there was no backup to build on, or not everything was read.",
        resolve: async ({ reading, of }, _args, { loaders }) => {
          if (reading.kind !== "full") return null;
          return readingReason(reading, of.runId === null ? null : await loaders.run.load(of.runId));
        },
      }),
      fromBackupId: t.id({
        nullable: true,
        description: "Since which backup changes were read; null: everything was.",
        resolve: ({ reading }) => (reading.kind === "full" ? null : reading.fromBackupId),
      }),
      resentFiles: t.int({
        nullable: true,
        description:
          "Files that came whole all the same, to be compared or because PostgreSQL cannot say what changed.",
        resolve: ({ reading }) => (reading.kind === "full" ? null : reading.resentFiles),
      }),
      resentBytes: t.field({
        type: "BigInt",
        nullable: true,
        description: "Their size.",
        resolve: ({ reading }) => (reading.kind === "full" ? null : BigInt(reading.resentBytes)),
      }),
    }),
  });

const TrustFindingRef = builder.objectRef<TrustRow["findings"][number]>("TrustFinding").implement({
  description: "Pages that came again and differ from what was stored, although no WAL names them.",
  fields: (t) => ({
    path: t.exposeString("path", { description: "Of the file, below the data directory." }),
    blocks: t.intList({ description: "Block numbers in the relation.", resolve: ({ blocks }) => [...blocks] }),
    older: t.expose("older", { type: OlderPageEnum, description: "Whose page is the older one." }),
  }),
});

export const TrustCheckRef = builder.objectRef<TrustRow>("TrustCheck").implement({
  description: "Rolling trust: each backup asks for one of 28 shares of the files in full, and compares.",
  fields: (t) => ({
    round: t.exposeInt("round", { description: "Which share, 0 to 27." }),
    findings: t.field({
      type: [TrustFindingRef],
      description: "What differed; none: everything was as stored.",
      resolve: ({ findings }) => findings,
    }),
  }),
});

export const VerifyCoverageRef = builder.objectRef<CoverageRow>("VerifyCoverage").implement({
  description: "How much is known to be sound, whichever verifications showed it.",
  fields: (t) => ({
    storedShare: t.exposeFloat("storedShare", { description: "Of its frames, 0 to 1: stored bytes checked." }),
    wholeShare: t.exposeFloat("wholeShare", { description: "Of its frames, 0 to 1: opened and checked." }),
    storedSince: t.field({
      type: "DateTime",
      nullable: true,
      description: "The oldest result in storedShare; null: none.",
      resolve: ({ storedSince }) => (storedSince === null ? null : new Date(storedSince)),
    }),
    wholeSince: t.field({
      type: "DateTime",
      nullable: true,
      description: "The oldest result in wholeShare; null: none.",
      resolve: ({ wholeSince }) => (wholeSince === null ? null : new Date(wholeSince)),
    }),
  }),
});
