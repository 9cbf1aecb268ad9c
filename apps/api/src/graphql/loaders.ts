import type {
  BackupRow,
  CoverageRow,
  FindingRow,
  OfflinePeriod,
  PolicyRow,
  RepositoryRow,
  Run,
  ScheduleRow,
  Server,
  ServerMember,
  WalCoverageRow,
} from "@tidemark/metadata";
import type { CopyLag } from "@tidemark/policy";
import DataLoader from "dataloader";
import type { Services } from "../services.ts";
import { copyLagsOf } from "../use-cases/copy-standing.ts";
import { type Inspected, inspectedServers } from "../use-cases/inspected.ts";
import { missedIn } from "../use-cases/offline.ts";
import { type ServerStanding, standingsOf } from "../use-cases/protection.ts";
import { type ServerWindow, windowOf } from "../use-cases/recovery-window.ts";
import { type ServerWal, serverWals } from "../use-cases/server-wal.ts";

/** Rows asked for one by one in resolvers, fetched together: no query runs once per row of a list. */
export interface Loaders {
  readonly server: DataLoader<string, Server | null>;
  readonly repository: DataLoader<string, RepositoryRow | null>;
  readonly policy: DataLoader<string, PolicyRow | null>;
  readonly backup: DataLoader<string, BackupRow | null>;
  readonly run: DataLoader<string, Run | null>;
  readonly schedule: DataLoader<string, ScheduleRow | null>;
  readonly standing: DataLoader<Server, ServerStanding, string>;
  readonly schedulesOfServer: DataLoader<string, readonly ScheduleRow[]>;
  /** Null: it has no backups. */
  readonly coverageOfServer: DataLoader<string, CoverageRow | null>;
  readonly walCoverageOfServer: DataLoader<string, readonly WalCoverageRow[]>;
  /** Null: it has no second repository. */
  readonly copyLagOfServer: DataLoader<Server, CopyLag | null, string>;
  readonly membersOfServer: DataLoader<string, readonly ServerMember[]>;
  readonly unfinishedOfServer: DataLoader<string, readonly Run[]>;
  readonly openFindingsOfServer: DataLoader<string, readonly FindingRow[]>;
  readonly resolvedFindingsOfServer: DataLoader<string, readonly FindingRow[]>;
  readonly latestRunOfSchedule: DataLoader<string, Run | null>;
  /** The period it is in; null: online. */
  readonly offlineOfServer: DataLoader<string, OfflinePeriod | null>;
  /** Counted once for both of its fields. */
  readonly missedOfPeriod: DataLoader<OfflinePeriod, ReturnType<typeof missedIn>, string>;
  /** Null: never inspected. */
  readonly inspectionOfServer: DataLoader<string, Inspected | null>;
  readonly walOfServer: DataLoader<Server, ServerWal, string>;
  /** Read once for all that is asked of it. */
  readonly windowOfServer: DataLoader<Server, ServerWindow, string>;
}

export function createLoaders(services: Services): Loaders {
  const { metadata, clock, logger } = services;
  return {
    server: byId((ids) => metadata.servers.getMany(ids)),
    repository: byId((ids) => metadata.repositories.getMany(ids)),
    policy: byId((ids) => metadata.policies.getMany(ids)),
    backup: byId((ids) => metadata.backups.getMany(ids)),
    run: byId((ids) => metadata.runs.getMany(ids)),
    schedule: byId((ids) => metadata.schedules.getMany(ids)),
    standing: new DataLoader(async (servers) => standingsOf(metadata, servers, clock.now()), {
      cacheKeyFn: (server) => server.id,
    }),
    schedulesOfServer: grouped((ids) => metadata.schedules.ofServers(ids), serverIdOf),
    coverageOfServer: oneOfServer((ids) => metadata.backups.leastCoverage(ids)),
    walCoverageOfServer: grouped((ids) => metadata.wal.coverage(ids), serverIdOf),
    copyLagOfServer: new DataLoader(async (servers) => copyLagsOf(metadata, servers, clock.now()), {
      cacheKeyFn: (server) => server.id,
    }),
    membersOfServer: grouped((ids) => metadata.servers.membersOf(ids), serverIdOf),
    unfinishedOfServer: grouped((ids) => metadata.runs.unfinished(ids), serverIdOf),
    openFindingsOfServer: grouped((ids) => metadata.findings.ofServers(ids, true), serverIdOf),
    resolvedFindingsOfServer: grouped((ids) => metadata.findings.ofServers(ids, false), serverIdOf),
    latestRunOfSchedule: new DataLoader(async (ids) => {
      const runs = await metadata.runs.latestOfSchedules(ids);
      return ids.map((id) => runs.find((run) => run.scheduleId === id) ?? null);
    }),
    offlineOfServer: oneOfServer((ids) => metadata.offline.current(ids)),
    missedOfPeriod: new DataLoader(
      async (periods) => {
        const schedules = await metadata.schedules.ofServers([...new Set(periods.map(serverIdOf))]);
        const now = clock.now();
        return periods.map((period) =>
          missedIn(
            period,
            schedules.filter((schedule) => schedule.serverId === period.serverId),
            now,
          ),
        );
      },
      { cacheKeyFn: (period) => period.id },
    ),
    inspectionOfServer: oneOfServer((ids) => inspectedServers({ metadata, logger }, ids)),
    walOfServer: new DataLoader(async (servers) => serverWals(metadata, servers, clock.now()), {
      cacheKeyFn: (server) => server.id,
    }),
    windowOfServer: new DataLoader(async (servers) => Promise.all(servers.map((one) => windowOf(services, one))), {
      cacheKeyFn: (server) => server.id,
      maxBatchSize: 10,
    }),
  };
}

function byId<Row extends { readonly id: string }>(
  fetch: (ids: readonly string[]) => Promise<readonly Row[]>,
): DataLoader<string, Row | null> {
  return new DataLoader(async (ids) => {
    const rows = new Map((await fetch(ids)).map((row) => [row.id, row]));
    return ids.map((id) => rows.get(id) ?? null);
  });
}

function oneOfServer<Row extends { readonly serverId: string }>(
  fetch: (ids: readonly string[]) => Promise<readonly Row[]>,
): DataLoader<string, Row | null> {
  return new DataLoader(async (ids) => {
    const rows = new Map((await fetch(ids)).map((row) => [row.serverId, row]));
    return ids.map((id) => rows.get(id) ?? null);
  });
}

function grouped<Row>(
  fetch: (ids: readonly string[]) => Promise<readonly Row[]>,
  keyOf: (row: Row) => string | null,
): DataLoader<string, readonly Row[]> {
  return new DataLoader(async (ids) => {
    const groups = new Map<string, Row[]>(ids.map((id) => [id, []]));
    for (const row of await fetch(ids)) groups.get(keyOf(row) ?? "")?.push(row);
    return ids.map((id) => groups.get(id) ?? []);
  });
}

function serverIdOf<Id extends string | null>(row: { readonly serverId: Id }): Id {
  return row.serverId;
}
