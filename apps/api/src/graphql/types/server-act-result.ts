import type { ServerActResult } from "@tidemark/jobs";
import { builder } from "../builder.ts";
import { toBigInt } from "./backup-parts.ts";
import { toDate, toDateOrNull } from "./instant.ts";

type Of<Kind extends ServerActResult["kind"]> = Extract<ServerActResult, { kind: Kind }>;

const sentenceText = "What was done, in words.";

const WalSwitchedRef = builder.objectRef<Of<"switch-wal">>("WalSwitched").implement({
  description: "A WAL switch.",
  fields: (t) => ({
    closedFile: t.exposeString("closedFile", {
      nullable: true,
      description: "The segment that was closed; null when nothing was written since the last one: then none was.",
    }),
    lsn: t.exposeString("lsn", { description: "Where the WAL goes on." }),
    sentence: t.exposeString("sentence", { description: sentenceText }),
  }),
});

const CheckpointDoneRef = builder.objectRef<Of<"checkpoint">>("CheckpointDone").implement({
  description: "A checkpoint; on a standby a restartpoint.",
  fields: (t) => ({
    lsn: t.exposeString("lsn", { description: "Where recovery would begin now." }),
    timeline: t.exposeInt("timeline", { description: "On which timeline." }),
    sentence: t.exposeString("sentence", { description: sentenceText }),
  }),
});

const RestorePointCreatedRef = builder.objectRef<Of<"restore-point">>("RestorePointCreated").implement({
  description: "A named place in the WAL.",
  fields: (t) => ({
    name: t.exposeString("name", { description: "The name that was given." }),
    lsn: t.exposeString("lsn", { description: "Where it is." }),
    sentence: t.exposeString("sentence", { description: sentenceText }),
  }),
});

const SlotCreatedRef = builder.objectRef<Of<"create-slot">>("SlotCreated").implement({
  description: "A physical replication slot that was made.",
  fields: (t) => ({
    name: t.exposeString("name", { description: "Its name." }),
    restartLsn: t.exposeString("restartLsn", {
      nullable: true,
      description: "From here on WAL is kept for it; null: it was not asked to keep any yet.",
    }),
    sentence: t.exposeString("sentence", { description: sentenceText }),
  }),
});

const SlotDropPlanRef = builder.objectRef<Of<"plan-drop-slot">["plan"]>("SlotDropPlan").implement({
  description: "What dropping a slot would mean; executed by dropReplicationSlot with its hash.",
  fields: (t) => ({
    planHash: t.exposeString("planHash", { description: "Give it to dropReplicationSlot." }),
    name: t.exposeString("name", { description: "Which slot." }),
    active: t.exposeBoolean("active", { description: "Whether somebody reads from it now." }),
    client: t.exposeString("client", {
      nullable: true,
      description: "Who reads from it, and would be ended; null: nobody.",
    }),
    retainedBytes: t.field({
      type: "BigInt",
      nullable: true,
      description: "WAL it keeps, which the server may remove then; null: none, or it cannot be told.",
      resolve: ({ retainedBytes }) => toBigInt(retainedBytes),
    }),
    own: t.exposeBoolean("own", { description: "Whether its name says that it is ours." }),
    consequences: t.stringList({
      description: "What will happen, in sentences.",
      resolve: ({ consequences }) => [...consequences],
    }),
  }),
});

const SlotDroppedRef = builder.objectRef<Of<"drop-slot">>("SlotDropped").implement({
  description: "A slot that is gone.",
  fields: (t) => ({
    name: t.exposeString("name", { description: "Its name." }),
    sentence: t.exposeString("sentence", { description: sentenceText }),
  }),
});

const ServerSettingRef = builder.objectRef<Of<"settings">["settings"][number]>("ServerSetting").implement({
  description: "A setting of a server: pg_settings.",
  fields: (t) => ({
    name: t.exposeString("name", { description: "Its name." }),
    value: t.exposeString("value", { description: "As SHOW prints it." }),
    unit: t.exposeString("unit", { nullable: true, description: "The unit the server counts in; null: none." }),
    source: t.exposeString("source", { description: "Where the value comes from: `default`, `configuration file` …" }),
    sourceFile: t.exposeString("sourceFile", {
      nullable: true,
      description: "The file that sets it; null: none, or the role may not know.",
    }),
    sourceLine: t.exposeInt("sourceLine", { nullable: true, description: "The line there; null as sourceFile." }),
    pendingRestart: t.exposeBoolean("pendingRestart", { description: "Whether another value waits for a restart." }),
    context: t.exposeString("context", { description: "What a change takes: `postmaster` (a restart), `sighup` …" }),
  }),
});

const SettingsReadRef = builder.objectRef<Of<"settings">>("SettingsRead").implement({
  description: "Settings of a server.",
  fields: (t) => ({
    settings: t.field({
      type: [ServerSettingRef],
      description: "By name.",
      complexity: { field: 1, multiplier: 400 },
      resolve: ({ settings }) => settings,
    }),
    missing: t.stringList({
      description: "Asked for and not there, or not for this role to see.",
      resolve: ({ missing }) => [...missing],
    }),
  }),
});

const FileStatRef = builder.objectRef<Of<"file-stat">>("FileStat").implement({
  description: "A file or directory on a server's machine: pg_stat_file.",
  fields: (t) => ({
    path: t.exposeString("path", { description: "As it was asked for." }),
    sizeBytes: t.field({ type: "BigInt", description: "Bytes.", resolve: ({ sizeBytes }) => BigInt(sizeBytes) }),
    isDirectory: t.exposeBoolean("isDirectory", { description: "Whether it is a directory." }),
    accessedAt: t.field({
      type: "DateTime",
      description: "When it was last read.",
      resolve: ({ accessedAt }) => toDate(accessedAt),
    }),
    modifiedAt: t.field({
      type: "DateTime",
      description: "When its contents last changed.",
      resolve: ({ modifiedAt }) => toDate(modifiedAt),
    }),
    changedAt: t.field({
      type: "DateTime",
      nullable: true,
      description: "When it or its mode last changed; null on Windows, which does not say.",
      resolve: ({ changedAt }) => toDateOrNull(changedAt),
    }),
    createdAt: t.field({
      type: "DateTime",
      nullable: true,
      description: "Null on Unix, where the server does not say.",
      resolve: ({ createdAt }) => toDateOrNull(createdAt),
    }),
  }),
});

const FileChunkRef = builder.objectRef<Of<"read-file">>("FileChunk").implement({
  description: "A piece of a file on a server's machine, readable for its asker alone.",
  fields: (t) => ({
    path: t.exposeString("path", { description: "As it was asked for." }),
    offset: t.field({ type: "BigInt", description: "Where it begins.", resolve: ({ offset }) => BigInt(offset) }),
    lengthBytes: t.exposeInt("lengthBytes", { description: "How many bytes it has; fewer than asked at the end." }),
    sealedBytes: t.exposeString("sealedBytes", {
      // Up to 2 MB: a page of a hundred of them is refused.
      complexity: 600,
      description: "The bytes as base64 text, sealed for the recipient: HPKE base mode, X25519, AES-256-GCM, base64.",
    }),
    atEnd: t.exposeBoolean("atEnd", { description: "Whether the file ends with them." }),
  }),
});

const typeNames = {
  "switch-wal": "WalSwitched",
  checkpoint: "CheckpointDone",
  "restore-point": "RestorePointCreated",
  "create-slot": "SlotCreated",
  "drop-slot": "SlotDropped",
  settings: "SettingsRead",
  "file-stat": "FileStat",
  "read-file": "FileChunk",
} as const;

type Shown = Exclude<ServerActResult, { kind: "plan-drop-slot" }> | Of<"plan-drop-slot">["plan"];

/** What `Run.serverAct` is; a plan has a hash instead of a kind of its own. */
export const ServerActResultRef = builder.unionType("ServerActResult", {
  description: "What an act at a server came to, one type for each act.",
  types: [
    WalSwitchedRef,
    CheckpointDoneRef,
    RestorePointCreatedRef,
    SlotCreatedRef,
    SlotDropPlanRef,
    SlotDroppedRef,
    SettingsReadRef,
    FileStatRef,
    FileChunkRef,
  ],
  resolveType: (value) =>
    "planHash" in value ? "SlotDropPlan" : typeNames[(value as Exclude<Shown, { planHash: string }>).kind],
});

/** A stored result as the union shows it. */
export function shownActResult(result: ServerActResult): Shown {
  return result.kind === "plan-drop-slot" ? result.plan : result;
}
