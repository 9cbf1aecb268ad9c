import { asText, JsonFields, jsonBytes } from "../bytes/json-fields.ts";
import type { WalCommit, WalLimits, WalRestorePoint, WalSegmentFacts, WalSegmentPlace } from "./wal-archive.ts";

/** What an object of WAL is: of a segment, or of what there is of one. `ended`: the timeline ends in it. */
export type WalSegmentKind = "whole" | "ended" | "archived";

/** What the header of a segment or piece says. */
export interface WalHeader {
  readonly systemIdentifier: bigint;
  readonly place: WalSegmentPlace;
  readonly writer: string;
}

/** What the index of a segment says. */
export interface WalIndex extends Omit<WalHeader, "writer"> {
  readonly kind: WalSegmentKind;
  /** From the segment's start: all of it, or up to where the timeline ended. */
  readonly plainBytes: number;
  /** Of these, what lies in boxes; the rest are zeros. */
  readonly boxedBytes: number;
  readonly plainHash: Uint8Array;
  readonly facts: WalSegmentFacts | null;
}

export function encodeHeader({ writer, ...header }: WalHeader): Uint8Array {
  return jsonBytes({ ...placeJson(header), writer });
}

export function decodeHeader(bytes: Uint8Array): WalHeader {
  const fields = JsonFields.parse(bytes);
  return { ...readPlace(fields), writer: fields.text("writer") };
}

export function encodeIndex(index: WalIndex): Uint8Array {
  const { kind, plainBytes, boxedBytes, plainHash, facts } = index;
  return jsonBytes({
    ...placeJson(index),
    kind,
    plainBytes,
    boxedBytes,
    plainHash: Buffer.from(plainHash).toString("base64"),
    facts: facts === null ? null : factsJson(facts),
  });
}

export function decodeIndex(bytes: Uint8Array): WalIndex {
  const fields = JsonFields.parse(bytes);
  const kind = fields.text("kind");
  if (kind !== "whole" && kind !== "ended" && kind !== "archived") throw new TypeError(`${kind} is no kind of segment`);
  return {
    ...readPlace(fields),
    kind,
    plainBytes: fields.number("plainBytes"),
    boxedBytes: fields.number("boxedBytes"),
    plainHash: fields.bytes("plainHash"),
    facts: fields.isNull("facts") ? null : readFacts(fields.object("facts")),
  };
}

function placeJson({ systemIdentifier, place }: Omit<WalHeader, "writer">): Record<string, unknown> {
  return {
    systemIdentifier: String(systemIdentifier),
    timeline: place.timeline,
    startLsn: String(place.startLsn),
    segmentBytes: place.sizeBytes,
  };
}

function readPlace(fields: JsonFields): Omit<WalHeader, "writer"> {
  const [timeline, sizeBytes] = [fields.number("timeline"), fields.number("segmentBytes")];
  const place = { timeline, startLsn: fields.bigint("startLsn"), sizeBytes };
  return { systemIdentifier: fields.bigint("systemIdentifier"), place };
}

function factsJson(facts: WalSegmentFacts): unknown {
  return {
    firstCommit: commitJson(facts.firstCommit),
    lastCommit: commitJson(facts.lastCommit),
    commitCount: facts.commitCount,
    restorePoints: facts.restorePoints.map(({ name, at, lsn }) => ({ name, at: at.toISOString(), lsn: String(lsn) })),
    relations: facts.relations,
    lastRecordEnd: facts.lastRecordEnd === null ? null : String(facts.lastRecordEnd),
    ...(facts.limits === undefined ? {} : { limits: facts.limits === null ? null : limitsJson(facts.limits) }),
  };
}

/** By name: what else the caller's value holds is not for the archive. */
function limitsJson(limits: WalLimits): WalLimits {
  const { maxConnections, maxWorkerProcesses, maxWalSenders, maxPreparedTransactions, maxLocksPerTransaction } = limits;
  return { maxConnections, maxWorkerProcesses, maxWalSenders, maxPreparedTransactions, maxLocksPerTransaction };
}

function commitJson(commit: WalCommit | null): unknown {
  return commit === null ? null : { at: commit.at.toISOString(), lsn: String(commit.lsn), xid: commit.xid };
}

function readFacts(fields: JsonFields): WalSegmentFacts {
  return {
    firstCommit: fields.isNull("firstCommit") ? null : readCommit(fields.object("firstCommit")),
    lastCommit: fields.isNull("lastCommit") ? null : readCommit(fields.object("lastCommit")),
    commitCount: fields.number("commitCount"),
    restorePoints: fields.list("restorePoints", readRestorePoint),
    relations: fields.isNull("relations") ? null : fields.list("relations", asText),
    lastRecordEnd: fields.bigintOrNull("lastRecordEnd"),
    ...(fields.has("limits") ? { limits: fields.isNull("limits") ? null : readLimits(fields.object("limits")) } : {}),
  };
}

function readLimits(fields: JsonFields): WalLimits {
  return {
    maxConnections: fields.number("maxConnections"),
    maxWorkerProcesses: fields.number("maxWorkerProcesses"),
    maxWalSenders: fields.number("maxWalSenders"),
    maxPreparedTransactions: fields.number("maxPreparedTransactions"),
    maxLocksPerTransaction: fields.number("maxLocksPerTransaction"),
  };
}

function readCommit(fields: JsonFields): WalCommit {
  return { at: fields.date("at"), lsn: fields.bigint("lsn"), xid: fields.number("xid") };
}

function readRestorePoint(item: unknown): WalRestorePoint {
  const fields = new JsonFields(item);
  return { name: fields.text("name"), at: fields.date("at"), lsn: fields.bigint("lsn") };
}
