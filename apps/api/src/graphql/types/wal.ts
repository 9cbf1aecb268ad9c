import type { WalReceiverRow } from "@tidemark/metadata";
import type { ServerWal } from "../../use-cases/server-wal.ts";
import { builder } from "../builder.ts";
import { ReceiverStateEnum, RpoKindEnum, WalModeEnum } from "../enums.ts";
import { RunErrorRef } from "../refs.ts";

const WalReceiverRef = builder.objectRef<WalReceiverRow>("WalReceiver").implement({
  description: "Our session that streams a server's WAL, as its worker last told.",
  fields: (t) => ({
    state: t.expose("state", { type: ReceiverStateEnum, description: "How it stands." }),
    stateSince: t.expose("stateSince", { type: "DateTime", description: "Since when it stands so." }),
    workerId: t.exposeString("workerId", { nullable: true, description: "Which worker has it; null: none." }),
    timeline: t.exposeInt("timeline", { nullable: true, description: "That it follows; null: not known yet." }),
    receivedLsn: t.expose("receivedLsn", { type: "Lsn", nullable: true, description: "The end of what came." }),
    flushedLsn: t.expose("flushedLsn", {
      type: "Lsn",
      nullable: true,
      description: "The end of what is durable in the repository; only this is acknowledged to the server.",
    }),
    serverLsn: t.expose("serverLsn", {
      type: "Lsn",
      nullable: true,
      description: "The end of the server's WAL, as it last said.",
    }),
    lagBytes: t.field({
      type: "BigInt",
      nullable: true,
      description: "What the server has and is not durable here; null: not known.",
      resolve: ({ serverLsn, flushedLsn }) => {
        if (serverLsn === null || flushedLsn === null) return null;
        return serverLsn > flushedLsn ? serverLsn - flushedLsn : 0n;
      },
    }),
    lastCommitAt: t.field({
      type: "DateTime",
      nullable: true,
      description: "Of the newest commit that came, by the server's clock; null: none yet.",
      resolve: ({ lastCommit }) => lastCommit?.at,
    }),
    lastMessageAt: t.expose("lastMessageAt", {
      type: "DateTime",
      nullable: true,
      description: "When the server last said anything; null: never.",
    }),
    reconnects: t.exposeInt("reconnects", {
      description: "How often it tried to connect again since its worker took it.",
    }),
    error: t.field({
      type: RunErrorRef,
      nullable: true,
      description: "Why it does not stream; null: it does, or nothing went wrong.",
      resolve: ({ error }) => (error === null ? null : { ...error, hint: null }),
    }),
    updatedAt: t.expose("updatedAt", { type: "DateTime", description: "When it last told." }),
  }),
});

type Slot = NonNullable<ServerWal["slot"]>;
const SlotSafetyRef = builder.objectRef<Slot>("SlotSafety").implement({
  description: "Our slot at the server, and what it keeps there.",
  fields: (t) => ({
    name: t.exposeString("name", { description: "A physical one." }),
    walStatus: t.exposeString("walStatus", {
      nullable: true,
      description: "`reserved`, `extended`, `unreserved`, `lost`, or `missing` where there is no such slot.",
    }),
    retainedBytes: t.expose("retainedBytes", {
      type: "BigInt",
      nullable: true,
      description: "WAL the server keeps because of it; null: not known.",
    }),
    safeBytes: t.expose("safeBytes", {
      type: "BigInt",
      nullable: true,
      description: "What may still be written before the slot is lost; null: no limit is set.",
    }),
    walBytesPerSecond: t.exposeFloat("walBytesPerSecond", {
      nullable: true,
      description: "How fast the server writes WAL; null: not known yet.",
    }),
    fullAt: t.expose("fullAt", {
      type: "DateTime",
      nullable: true,
      description:
        "When the server's WAL disk or the slot's limit would be reached if nothing were received from now on; null: not in sight.",
    }),
    observedAt: t.expose("observedAt", { type: "DateTime", description: "When the server told." }),
  }),
});

export const ServerWalRef = builder.objectRef<ServerWal>("ServerWal").implement({
  description: "How a server's WAL comes to us.",
  fields: (t) => ({
    mode: t.expose("mode", { type: WalModeEnum, description: "Which way." }),
    synchronous: t.exposeBoolean("synchronous", {
      description: "Whether our receiver may stand in synchronous_standby_names.",
    }),
    receiver: t.expose("receiver", {
      type: WalReceiverRef,
      nullable: true,
      description: "Null: none ever streamed it.",
    }),
    slot: t.expose("slot", {
      type: SlotSafetyRef,
      nullable: true,
      description: "Null: not streamed, or not asked yet.",
    }),
    rpoKind: t.field({
      type: RpoKindEnum,
      description: "Whether anything would be lost if the server were lost now.",
      resolve: ({ rpo }) => rpo.kind,
    }),
    rpoSeconds: t.float({
      nullable: true,
      description: "Age of the oldest commit that is not durable here; 0 when all is. Null: not known.",
      resolve: ({ rpo }) => (rpo.kind === "zero" ? 0 : rpo.kind === "behind" ? rpo.ageMs / 1000 : null),
    }),
    rpoSentence: t.exposeString("rpoSentence", { description: "The same in words." }),
  }),
});
