import { formatBytes, formatDuration } from "@tidemark/kit";
import type { Command } from "commander";
import { type CommandContext, type CommonOptions, openSession } from "../context.ts";
import { exitCodes } from "../exit-code.ts";
import { formatInstant, printList, printOne } from "../output.ts";
import type { Register } from "../program.ts";
import { fetchSnapshot, requireSection, type Snapshot } from "../snapshot.ts";

interface SnapshotOptions extends CommonOptions {
  readonly cached?: boolean;
}

/** What a server tells of itself now, or told when it was last inspected. */
export function addServerInfoCommands(server: Command, context: CommandContext, register: Register): void {
  const commands = [
    ["info", "what it is, how it is set up, where its WAL is", showInfo],
    ["slots", "its replication slots and the WAL they keep", listSlots],
    ["replication", "who streams from it", listClients],
  ] as const;
  for (const [name, description, show] of commands) {
    register(
      server
        .command(`${name} <name>`)
        .description(description)
        .option("--cached", "as it was at the last inspection, without asking it"),
      (serverName, options) => show(context, serverName as string, options as SnapshotOptions),
    );
  }
}

async function showInfo(context: CommandContext, name: string, options: SnapshotOptions): Promise<number> {
  const session = openSession(context, options);
  const snapshot = await fetchSnapshot(session, name, options.cached === true);
  printOne(session.output, snapshot, [...infoFacts(name, snapshot), ...stateFacts(snapshot)]);
  return exitCodes.done;
}

type Fact = readonly [string, string | null];

function infoFacts(name: string, { observedAt, info }: Snapshot): readonly Fact[] {
  return [
    ["server", name],
    ["observed", formatInstant(observedAt)],
    ["version", info.versionText],
    ["role", info.inRecovery ? "standby" : "primary"],
    ["usable", info.valid ? "yes" : `no: ${info.invalidReasons.join("; ")}`],
    ["system", info.systemIdentifier],
    ["data", info.dataDirectory],
    ["checksums", onOff(info.dataChecksums)],
    ["wal_level", info.walLevel],
    ["WAL segment", formatBytes(BigInt(info.walSegmentSizeBytes))],
    [
      "pages",
      `${formatBytes(BigInt(info.blockSizeBytes))} of data, ${formatBytes(BigInt(info.walBlockSizeBytes))} of WAL`,
    ],
    ["WAL summaries", info.summarizeWal === null ? null : onOff(info.summarizeWal)],
    ["commit times", onOff(info.trackCommitTimestamp)],
    ["FIPS", info.fips === null ? null : onOff(info.fips)],
    ["checkpoints", `every ${formatDuration(info.checkpointTimeoutSeconds * 1000)}`],
    ["WAL senders", `${info.usedWalSenders} of ${info.maxWalSenders} in use`],
    ["slots", `${info.usedReplicationSlots} of ${info.maxReplicationSlots} taken`],
    ["started", formatInstant(info.startedAt)],
    ["configured", formatInstant(info.configurationLoadedAt)],
    ["clock", clockText(info.clockDifferenceMs)],
    ["time zone", info.timeZone],
  ];
}

function stateFacts(snapshot: Snapshot): readonly Fact[] {
  const { wal, recovery, archiver, synchronousStandbys } = snapshot;
  return [
    ["WAL", wal === null ? null : walText(wal)],
    ["replayed", recovery === null ? null : recoveryText(recovery)],
    ["archiving", archiver === null ? null : archiverText(archiver)],
    ["sync commit", synchronousStandbys.method === "none" ? null : `waits for ${synchronousStandbys.text}`],
    ["extensions", snapshot.extensions.map((one) => `${one.name} ${one.version}`).join(", ") || null],
    ...snapshot.tablespaces.map((one) => ["tablespace", `${one.name} in ${one.path}`] as const),
    ...(snapshot.configurationFiles ?? []).map((one) => [one.purpose, one.path] as const),
    ...snapshot.unreadable.map((one) => ["not readable", `${one.section}: ${one.message}`] as const),
  ];
}

function walText(wal: NonNullable<Snapshot["wal"]>): string {
  const file = wal.fileName === null ? "" : ` in ${wal.fileName} at byte ${wal.fileOffset}`;
  return `${wal.lsn}${file}${wal.timeline === null ? "" : `, timeline ${wal.timeline}`}`;
}

function recoveryText(recovery: NonNullable<Snapshot["recovery"]>): string {
  const from = recovery.senderHost === null ? "" : ` from ${recovery.senderHost}:${recovery.senderPort}`;
  const until = recovery.replayedAt === null ? "" : `, commits until ${formatInstant(recovery.replayedAt)}`;
  return `${recovery.replayedLsn ?? "nothing yet"}${until}, received ${recovery.receivedLsn ?? "nothing"}${from}${recovery.isPaused ? ", paused" : ""}`;
}

function archiverText(archiver: NonNullable<Snapshot["archiver"]>): string {
  if (archiver.mode === "off") return "off";
  const by = archiver.library ?? archiver.command ?? "nothing";
  const state = archiver.isArchiving ? "works" : "does not work";
  const failed =
    archiver.failedCount === "0" ? "" : `, ${archiver.failedCount} failed (${archiver.lastFailedWal ?? "?"})`;
  return `${archiver.mode} by ${by}: ${state}, ${archiver.archivedCount} archived${failed}`;
}

/** Within this the difference says more about the network than about the clocks. */
const sameClockMs = 1_000;

function clockText(differenceMs: number): string {
  if (Math.abs(differenceMs) < sameClockMs) return "as the worker's";
  return `${formatDuration(Math.abs(differenceMs))} ${differenceMs > 0 ? "ahead of" : "behind"} the worker's`;
}

function onOff(value: boolean): string {
  return value ? "on" : "off";
}

async function listSlots(context: CommandContext, name: string, options: SnapshotOptions): Promise<number> {
  const session = openSession(context, options);
  const snapshot = await fetchSnapshot(session, name, options.cached === true);
  printList(
    session.output,
    requireSection(snapshot, "slots", snapshot.slots),
    (slot) => slot,
    [
      { title: "slot", value: (slot) => slot.name },
      { title: "kind", value: (slot) => `${slot.kind}${slot.temporary ? ", temporary" : ""}` },
      { title: "read", value: (slot) => (slot.active ? "now" : inactiveText(slot.inactiveSince)) },
      { title: "keeps from", value: (slot) => slot.restartLsn ?? "–" },
      { title: "keeps", value: (slot) => bytesText(slot.retainedBytes), alignRight: true },
      { title: "WAL", value: (slot) => slot.invalidationReason ?? slot.walStatus ?? "–" },
      { title: "may grow by", value: (slot) => bytesText(slot.safeWalSizeBytes), alignRight: true },
      { title: "ours", value: (slot) => (slot.own ? "yes" : "") },
    ],
    `${name} has no replication slots`,
  );
  return exitCodes.done;
}

function inactiveText(since: string | null): string {
  return since === null ? "no" : `not since ${formatInstant(since)}`;
}

async function listClients(context: CommandContext, name: string, options: SnapshotOptions): Promise<number> {
  const session = openSession(context, options);
  const snapshot = await fetchSnapshot(session, name, options.cached === true);
  printList(
    session.output,
    requireSection(snapshot, "replication", snapshot.replication),
    (client) => client,
    [
      { title: "pid", value: (client) => String(client.pid), alignRight: true },
      { title: "kind", value: (client) => client.kind },
      { title: "name", value: (client) => client.applicationName ?? "–" },
      { title: "role", value: (client) => client.user ?? "–" },
      { title: "from", value: (client) => client.clientAddress ?? "this machine" },
      { title: "state", value: (client) => client.state ?? "–" },
      { title: "sent", value: (client) => client.sentLsn ?? "–" },
      { title: "behind", value: (client) => bytesText(client.lagBytes), alignRight: true },
      { title: "sync", value: (client) => client.syncState ?? "–" },
      { title: "slot", value: (client) => client.slotName ?? "–" },
    ],
    `nobody streams from ${name}`,
  );
  return exitCodes.done;
}

function bytesText(bytes: string | null): string {
  return bytes === null ? "–" : formatBytes(BigInt(bytes));
}
