import { AppError } from "@tidemark/kit";
import { formatLsn, type Lsn, type PgControl, type SqlSession } from "@tidemark/postgres";
import type { ClusterFiles } from "./cluster-files.ts";

/**
 * Refuses a local data directory that is not the one the server runs on now: another cluster, one that does not run, a
 * copy of the same cluster (a clone, a standby, a snapshot). Asked after the backup's start, whose checkpoint stands in
 * the `pg_control` of the right folder and of no copy made before.
 *
 * @throws AppError `cluster-missing`.
 */
export async function assertSameCluster(
  place: string,
  files: ClusterFiles,
  session: SqlSession,
  control: PgControl,
  startLsn: bigint,
): Promise<void> {
  const [server] = await session.query<ServerRow>(serverQuestion);
  if (server === undefined) throw new AppError("protocol-violation", { message: "the server gave no row for itself" });
  if (control.systemIdentifier !== BigInt(server.system)) throw other(place, "it holds another cluster");
  if (control.redoLsn < startLsn) {
    const at = (lsn: bigint) => formatLsn(lsn as Lsn);
    throw other(
      place,
      `its last checkpoint is at ${at(control.redoLsn)}, before the backup's start at ${at(startLsn)}: it is a copy`,
    );
  }
  const lines = Buffer.from((await files.read("postmaster.pid", 0, lockFileBytes)) ?? new Uint8Array(0))
    .toString("utf8")
    .split("\n");
  // miscadmin.h: LOCK_FILE_LINE_START_TIME and LOCK_FILE_LINE_PORT are the third and the fourth line.
  const startedSeconds = Number(lines[2] ?? Number.NaN);
  const port = Number(lines[3] ?? Number.NaN);
  if (Number.isNaN(startedSeconds) || Number.isNaN(port)) throw other(place, "no server runs on it");
  if (port !== server.port) throw other(place, `the server that runs on it listens on port ${port}`);
  if (Math.abs(startedSeconds - Number(server.started)) > startToleranceSeconds) {
    throw other(place, "the server that runs on it was started at another time");
  }
}

interface ServerRow {
  readonly system: string;
  readonly port: number;
  readonly started: string;
}

const serverQuestion = `
  SELECT (SELECT system_identifier::text FROM pg_catalog.pg_control_system()) AS system,
         pg_catalog.current_setting('port')::int4 AS port,
         EXTRACT(EPOCH FROM pg_catalog.pg_postmaster_start_time())::int8::text AS started`;

const lockFileBytes = 1024;
/** The lock file's time is taken before shared memory is made, pg_postmaster_start_time's after (postmaster.c). */
const startToleranceSeconds = 60;

function other(place: string, why: string): AppError {
  return new AppError("cluster-missing", {
    message: `${place} is not the data directory of the server: ${why}`,
    hint: "nothing was stored; give the folder the server runs on as this machine sees it, or read the files over SQL",
    context: { dataDirectory: place },
  });
}
