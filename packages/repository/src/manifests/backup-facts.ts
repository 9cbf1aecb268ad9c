import { asNumber, asText, JsonFields } from "../bytes/json-fields.ts";
import type { BackupCounts, BackupFacts } from "../types.ts";
import { readingFromJson, walRangesFromJson } from "./backup-reading.ts";
import { configurationFromJson, environmentFromJson, methodFromJson } from "./surroundings-json.ts";
import { trustFindingsFromJson } from "./trust-finding.ts";
import { youngPagesFromJson } from "./young-pages.ts";

/** What the header of a manifest holds: cheap to read for a listing. */
export interface ManifestHeader {
  readonly backupId: string;
  readonly serverId: string;
  readonly parentId: string | null;
  readonly facts: BackupFacts;
  readonly counts: BackupCounts;
  readonly fileCount: number;
  readonly plainBytes: bigint;
}

/** JSON with bigints as decimal text and times in ISO 8601. */
export function headerToJson(header: ManifestHeader): unknown {
  return JSON.parse(JSON.stringify(header, (_, value: unknown) => (typeof value === "bigint" ? String(value) : value)));
}

export function headerFromJson(fields: JsonFields): ManifestHeader {
  return {
    backupId: fields.text("backupId"),
    serverId: fields.text("serverId"),
    parentId: fields.textOrNull("parentId"),
    facts: factsFromJson(fields.object("facts")),
    counts: countsFromJson(fields.object("counts")),
    fileCount: fields.number("fileCount"),
    plainBytes: fields.bigint("plainBytes"),
  };
}

function countsFromJson(fields: JsonFields): BackupCounts {
  return {
    readBytes: fields.bigint("readBytes"),
    storedBytes: fields.bigint("storedBytes"),
    referencedBytes: fields.bigint("referencedBytes"),
    files: fields.number("files"),
    newBytes: fields.bigintOrNull("newBytes"),
    zeroBytes: fields.bigintOrNull("zeroBytes"),
    carriedBytes: fields.bigintOrNull("carriedBytes"),
    sentBytes: fields.bigintOrNull("sentBytes"),
    runs: fields.numberOrNull("runs"),
    smallRuns: fields.numberOrNull("smallRuns"),
  };
}

/** The facts of a header's parsed JSON. */
export function factsFromHeader(facts: unknown): BackupFacts {
  return factsFromJson(new JsonFields(facts));
}

function factsFromJson(fields: JsonFields): BackupFacts {
  return {
    serverName: fields.text("serverName"),
    systemIdentifier: fields.bigint("systemIdentifier"),
    serverVersion: fields.number("serverVersion"),
    catalogVersion: fields.number("catalogVersion"),
    timeline: fields.number("timeline"),
    startLsn: fields.bigint("startLsn"),
    stopLsn: fields.bigint("stopLsn"),
    stopTimeline: fields.number("stopTimeline"),
    startedAt: fields.date("startedAt"),
    stoppedAt: fields.date("stoppedAt"),
    label: fields.text("label"),
    fromStandby: fields.boolean("fromStandby"),
    blockSize: fields.number("blockSize"),
    walSegmentSizeBytes: fields.number("walSegmentSizeBytes"),
    dataDirectoryMode: fields.number("dataDirectoryMode"),
    checksumsEnabled: fields.boolean("checksumsEnabled"),
    tablespaces: fields.list("tablespaces", (item) => {
      const tablespace = new JsonFields(item);
      return { oid: tablespace.number("oid"), path: tablespace.text("path") };
    }),
    backupLabel: fields.text("backupLabel"),
    tablespaceMap: fields.text("tablespaceMap"),
    suspectPages: fields.list("suspectPages", (item) => {
      const pages = new JsonFields(item);
      return { path: pages.text("path"), blocks: pages.list("blocks", asNumber) };
    }),
    includedWal: includedWalFromJson(fields),
    notes: fields.list("notes", asText),
    // Manifests of version 1 before November 2026 lack what follows.
    method: methodFromJson(fields),
    configuration: configurationFromJson(fields),
    environment: environmentFromJson(fields),
    // And those of version 1 all lack these.
    reading: readingFromJson(fields),
    walRanges: walRangesFromJson(fields),
    trustRound: fields.numberOrNull("trustRound"),
    trustFindings: trustFindingsFromJson(fields),
    youngPages: youngPagesFromJson(fields),
  };
}

function includedWalFromJson(fields: JsonFields): BackupFacts["includedWal"] {
  if (fields.isNull("includedWal")) return null;
  const wal = fields.object("includedWal");
  return { timeline: wal.number("timeline"), startLsn: wal.bigint("startLsn"), endLsn: wal.bigint("endLsn") };
}
