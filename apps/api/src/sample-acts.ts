import type { ServerAct, ServerActResult } from "@tidemark/jobs";
import { newSealingKeys, seal } from "@tidemark/kit/sealed-text";

/** For tests: the pair of who asks for a file. */
export const askerKeys = await newSealingKeys();
const recipient = askerKeys.publicKey;

/** An act as both surfaces are asked for it, and what they show of it. */
export interface ActCase {
  readonly mutation: string;
  readonly input: object;
  /** As the worker is asked. */
  readonly act: ServerAct;
  /** As REST asks for it. */
  readonly rest: readonly [method: string, path: string, body?: object];
  readonly result: ServerActResult;
  readonly shown: object;
}

const instant = "2026-11-21T10:00:00.000Z";
const setting = {
  name: "wal_level",
  value: "replica",
  unit: null,
  source: "default",
  sourceFile: null,
  sourceLine: null,
  pendingRestart: false,
  context: "postmaster",
};
const plan = {
  planHash: "the-hash",
  name: "standby_1",
  active: true,
  client: "walreceiver from 10.0.0.7",
  retainedBytes: "123456789012",
  own: false,
  consequences: ["walreceiver from 10.0.0.7 is ended"],
};

/** For tests: every act at a server once. */
export const actCases: readonly ActCase[] = [
  {
    mutation: "switchWal",
    input: {},
    act: { kind: "switch-wal" },
    rest: ["POST", "/wal-switch"],
    result: { kind: "switch-wal", closedFile: null, lsn: "0/3000000", sentence: "nothing was written" },
    shown: { __typename: "WalSwitched", closedFile: null, lsn: "0/3000000", sentence: "nothing was written" },
  },
  {
    mutation: "checkpointServer",
    input: {},
    act: { kind: "checkpoint" },
    rest: ["POST", "/checkpoint"],
    result: { kind: "checkpoint", lsn: "0/3000028", timeline: 2, sentence: "done" },
    shown: { __typename: "CheckpointDone", lsn: "0/3000028", timeline: 2, sentence: "done" },
  },
  {
    mutation: "createRestorePoint",
    input: { name: "vor der Änderung" },
    act: { kind: "restore-point", name: "vor der Änderung" },
    rest: ["POST", "/restore-points", { name: "vor der Änderung" }],
    result: { kind: "restore-point", name: "vor der Änderung", lsn: "0/3000090", sentence: "written" },
    shown: { __typename: "RestorePointCreated", name: "vor der Änderung", lsn: "0/3000090", sentence: "written" },
  },
  {
    mutation: "createReplicationSlot",
    input: { name: "standby_1", reserveWal: false },
    act: { kind: "create-slot", name: "standby_1", reserveWal: false },
    rest: ["POST", "/slots", { name: "standby_1", reserveWal: false }],
    result: { kind: "create-slot", name: "standby_1", restartLsn: null, sentence: "made" },
    shown: { __typename: "SlotCreated", name: "standby_1", restartLsn: null, sentence: "made" },
  },
  {
    mutation: "planReplicationSlotDrop",
    input: { name: "standby_1" },
    act: { kind: "plan-drop-slot", name: "standby_1" },
    rest: ["POST", "/slots/standby_1/drop-plan"],
    result: { kind: "plan-drop-slot", plan },
    shown: { __typename: "SlotDropPlan", ...plan },
  },
  {
    mutation: "dropReplicationSlot",
    input: { name: "standby_1", planHash: "the-hash" },
    act: { kind: "drop-slot", name: "standby_1", planHash: "the-hash" },
    rest: ["DELETE", "/slots/standby_1?planHash=the-hash"],
    result: { kind: "drop-slot", name: "standby_1", sentence: "gone" },
    shown: { __typename: "SlotDropped", name: "standby_1", sentence: "gone" },
  },
  {
    mutation: "readServerSettings",
    input: { names: ["wal_level", "nonsense"] },
    act: { kind: "settings", names: ["wal_level", "nonsense"] },
    rest: ["POST", "/settings", { names: ["wal_level", "nonsense"] }],
    result: { kind: "settings", settings: [setting], missing: ["nonsense"] },
    shown: { __typename: "SettingsRead", settings: [setting], missing: ["nonsense"] },
  },
  {
    mutation: "statServerFile",
    input: { path: "PG_VERSION" },
    act: { kind: "file-stat", path: "PG_VERSION" },
    rest: ["POST", "/file-stat", { path: "PG_VERSION" }],
    result: {
      kind: "file-stat",
      path: "PG_VERSION",
      sizeBytes: "12345678901",
      isDirectory: false,
      accessedAt: instant,
      modifiedAt: instant,
      changedAt: instant,
      createdAt: null,
    },
    shown: {
      __typename: "FileStat",
      path: "PG_VERSION",
      sizeBytes: "12345678901",
      isDirectory: false,
      accessedAt: instant,
      modifiedAt: instant,
      changedAt: instant,
      createdAt: null,
    },
  },
  {
    mutation: "readServerFile",
    input: { path: "PG_VERSION", offset: "4294967296", lengthBytes: 10, recipient },
    act: { kind: "read-file", path: "PG_VERSION", offset: 4_294_967_296, lengthBytes: 10, recipient },
    rest: ["POST", "/file-read", { path: "PG_VERSION", offset: "4294967296", lengthBytes: 10, recipient }],
    result: {
      kind: "read-file",
      path: "PG_VERSION",
      offset: 4_294_967_296,
      lengthBytes: 3,
      sealedBytes: await seal(recipient, Buffer.from("18\n").toString("base64")),
      atEnd: true,
    },
    shown: { __typename: "FileChunk", path: "PG_VERSION", offset: "4294967296", lengthBytes: 3, atEnd: true },
  },
];
