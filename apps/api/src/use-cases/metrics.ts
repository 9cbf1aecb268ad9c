import type { Server } from "@tidemark/metadata";
import type { ProtectionState } from "@tidemark/policy";
import { Gauge, Registry } from "prom-client";
import type { Services } from "../services.ts";
import { type ServerStanding, standingsOf } from "./protection.ts";
import { type ServerWal, serverWals } from "./server-wal.ts";

/** What is told of one server; null: not known now, and the sample is left out. */
interface Subject {
  readonly server: Server;
  readonly standing: ServerStanding;
  readonly wal: ServerWal;
  readonly gaps: number;
  readonly offline: boolean;
  readonly now: Date;
}

interface Metric {
  readonly name: string;
  readonly help: string;
  readonly read: (subject: Subject) => number | null;
}

const states: readonly ProtectionState[] = ["protected", "unproven", "degraded", "at-risk", "unprotected", "unknown"];

/** One sample of each per server: labels are bounded by the number of servers. */
const metrics: readonly Metric[] = [
  {
    name: "tidemark_server_offline",
    help: "1 while somebody set the server offline: its schedules and receiver stand still.",
    read: ({ offline }) => Number(offline),
  },
  {
    name: "tidemark_backup_newest_timestamp_seconds",
    help: "When the newest restorable backup was finished.",
    read: ({ standing }) => seconds(standing.lastBackup?.finishedAt),
  },
  {
    name: "tidemark_restore_proven_timestamp_seconds",
    help: "When a drill last restored, started and checked a backup.",
    read: ({ standing }) => seconds(standing.lastProven?.provenAt),
  },
  {
    name: "tidemark_rpo_seconds",
    help: "What would be lost if the server were lost now: age of the oldest commit that is not durable here, or a bound of it; 0 when everything is.",
    read: ({ wal }) => (wal.rpo.kind === "zero" ? 0 : wal.rpo.kind === "behind" ? wal.rpo.ageMs / 1_000 : null),
  },
  {
    name: "tidemark_wal_receiver_up",
    help: "1 while a receiver of ours streams the server's WAL. Only of servers that are streamed from.",
    read: ({ wal, now }) => (wal.mode === "stream" ? Number(isUp(wal, now)) : null),
  },
  {
    name: "tidemark_wal_received_lag_bytes",
    help: "WAL the server has and did not reach the receiver yet.",
    read: ({ wal }) => lag(wal.receiver?.serverLsn, wal.receiver?.receivedLsn),
  },
  {
    name: "tidemark_wal_flushed_lag_bytes",
    help: "WAL the server has and is not durable in the repository yet.",
    read: ({ wal }) => lag(wal.receiver?.serverLsn, wal.receiver?.flushedLsn),
  },
  {
    name: "tidemark_wal_receiver_reconnects",
    help: "How often the receiver tried to connect again since its worker took it.",
    read: ({ wal }) => wal.receiver?.reconnects ?? null,
  },
  {
    name: "tidemark_wal_gaps",
    help: "Known stretches of WAL that were lost for good.",
    read: ({ wal, gaps }) => (wal.mode === "none" ? null : gaps),
  },
  {
    name: "tidemark_slot_safe_bytes",
    help: "What the server may still write before our slot loses its WAL; only with max_slot_wal_keep_size.",
    read: ({ wal }) => bytes(wal.slot?.safeBytes),
  },
  {
    name: "tidemark_slot_retained_bytes",
    help: "WAL the server keeps because of our slot.",
    read: ({ wal }) => bytes(wal.slot?.retainedBytes),
  },
  {
    name: "tidemark_slot_lost",
    help: "1 when our slot is gone or has lost its WAL.",
    read: ({ wal }) => (wal.slot === null ? null : Number(lostStates.has(wal.slot.walStatus ?? ""))),
  },
];

/** All servers' facts in the text format of Prometheus. Made of rows, when asked: nothing is counted in this process. */
export async function metricsText({
  metadata,
  clock,
}: Services): Promise<{ readonly type: string; readonly text: string }> {
  const servers = await metadata.servers.all();
  const ids = servers.map((server) => server.id);
  const now = clock.now();
  const [standings, wals, gaps, offline] = await Promise.all([
    standingsOf(metadata, servers, now),
    serverWals(metadata, servers, now),
    metadata.wal.gaps(ids),
    metadata.offline.current(ids),
  ]);
  const subjects = servers.flatMap((server, index): Subject[] => {
    const standing = standings[index];
    const wal = wals[index];
    if (standing === undefined || wal === undefined) return [];
    return [
      {
        server,
        standing,
        wal,
        now,
        gaps: gaps.filter((gap) => gap.serverId === server.id).length,
        offline: offline.some((period) => period.serverId === server.id),
      },
    ];
  });
  const registry = new Registry();
  tellStates(registry, subjects);
  for (const { name, help, read } of metrics) {
    const gauge = new Gauge({ name, help, labelNames: ["server"], registers: [registry] });
    for (const subject of subjects) {
      const value = read(subject);
      if (value !== null) gauge.set({ server: subject.server.name }, value);
    }
  }
  return { type: registry.contentType, text: await registry.metrics() };
}

/** As Prometheus wants an enumeration: one sample for each state, and 1 for the one it is in. */
function tellStates(registry: Registry, subjects: readonly Subject[]): void {
  const gauge = new Gauge({
    name: "tidemark_server_state",
    help: "How well a server is protected: 1 for the state it is in, 0 for the others.",
    labelNames: ["server", "state"],
    registers: [registry],
  });
  for (const { server, standing } of subjects) {
    for (const state of states) gauge.set({ server: server.name, state }, Number(standing.protection.state === state));
  }
}

function isUp({ receiver }: ServerWal, now: Date): boolean {
  if (receiver === null || receiver.workerId === null) return false;
  const isStreaming = receiver.state === "streaming" || receiver.state === "catching-up";
  return isStreaming && now.getTime() - receiver.updatedAt.getTime() < silentAfterMs;
}

function lag(serverLsn: bigint | null | undefined, lsn: bigint | null | undefined): number | null {
  if (serverLsn == null || lsn == null) return null;
  return serverLsn > lsn ? Number(serverLsn - lsn) : 0;
}

function seconds(at: Date | null | undefined): number | null {
  return at == null ? null : at.getTime() / 1_000;
}

function bytes(value: bigint | null | undefined): number | null {
  return value == null ? null : Number(value);
}

const lostStates: ReadonlySet<string> = new Set(["lost", "missing"]);
/** Receivers say every five seconds that they live. */
const silentAfterMs = 30_000;
