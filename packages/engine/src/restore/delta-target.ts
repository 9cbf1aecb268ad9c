import { readFile, readlink, realpath } from "node:fs/promises";
import { join, resolve } from "node:path";
import { AppError, type ErrorCode, systemErrorCode } from "@tidemark/kit";
import { parsePgControl } from "@tidemark/postgres";
import type { BackupFacts } from "@tidemark/repository";
import type { TablespacePlace } from "./restore-places.ts";
import { inspectTargets, restoringMark } from "./restore-target.ts";
import { findRunningServer } from "./running-server.ts";

/** Why a delta restore may not touch what is there, or null. */
export interface DeltaObstacle {
  readonly code: ErrorCode;
  readonly sentence: string;
}

/**
 * A delta restore rewrites a data directory, so what is there must be one: a stopped server of the same system
 * identifier and block size, or what an earlier restore left unfinished. A tablespace's folder must be the one that
 * this data directory links to, and hold nothing but PostgreSQL's own folders.
 */
export async function findDeltaObstacle(
  targetDirectory: string,
  tablespaces: readonly TablespacePlace[],
  facts: BackupFacts,
): Promise<DeltaObstacle | null> {
  const [state, ...rest] = await inspectTargets([targetDirectory, ...tablespaces.map(({ to }) => to)]);
  if (state === undefined) return null;
  if (state.kind === "not-a-directory") return notEmpty(`${targetDirectory} is a file`);
  if (state.kind === "occupied" || state.kind === "unfinished") {
    const running = await findRunningServer(targetDirectory);
    if (running !== null) return { code: "target-in-use", sentence: `${running}; stop it first` };
    const other = await findOtherCluster(targetDirectory, facts, state.kind === "unfinished");
    if (other !== null) return other;
  }
  for (const [index, place] of tablespaces.entries()) {
    const tablespaceState = rest[index];
    if (tablespaceState?.kind === "not-a-directory") return notEmpty(`${place.to} is a file`);
    if (tablespaceState?.kind !== "occupied") continue;
    const obstacle = await findTablespaceObstacle(targetDirectory, place, tablespaceState.entries);
    if (obstacle !== null) return obstacle;
  }
  return null;
}

async function findOtherCluster(
  targetDirectory: string,
  facts: BackupFacts,
  isUnfinished: boolean,
): Promise<DeltaObstacle | null> {
  const control = await readControl(targetDirectory);
  if (control === null) {
    return isUnfinished
      ? null
      : notEmpty(
          `${targetDirectory} holds something, but no PostgreSQL data directory (no readable global/pg_control)`,
        );
  }
  if (control.systemIdentifier !== facts.systemIdentifier) {
    return {
      code: "target-other-cluster",
      sentence: `${targetDirectory} belongs to another cluster (system identifier ${control.systemIdentifier}, the backup's is ${facts.systemIdentifier})`,
    };
  }
  if (control.blockSizeBytes !== facts.blockSize) {
    return {
      code: "target-other-cluster",
      sentence: `${targetDirectory} has blocks of ${control.blockSizeBytes} bytes, the backup of ${facts.blockSize}`,
    };
  }
  return null;
}

async function readControl(targetDirectory: string) {
  try {
    return parsePgControl(await readFile(join(targetDirectory, "global", "pg_control")));
  } catch (error) {
    const isGone = systemErrorCode(error) === "ENOENT" || systemErrorCode(error) === "ENOTDIR";
    if (isGone || error instanceof AppError) return null;
    throw error;
  }
}

async function findTablespaceObstacle(
  targetDirectory: string,
  { oid, to }: TablespacePlace,
  entries: readonly string[],
): Promise<DeltaObstacle | null> {
  const foreign = entries.find((name) => !/^PG_\d+_\d+$/.test(name) && name !== restoringMark && name !== "lost+found");
  if (foreign !== undefined) return notEmpty(`${to} holds ${foreign}, which is no part of a tablespace`);
  const link = join(targetDirectory, "pg_tblspc", String(oid));
  if (await leadsTo(link, to)) return null;
  return notEmpty(`${to} is not empty, and it is not the tablespace that ${link} links to`);
}

async function leadsTo(link: string, folder: string): Promise<boolean> {
  try {
    const to = resolve(join(link, ".."), await readlink(link));
    return (await realpath(to)) === (await realpath(folder));
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === "ENOENT" || code === "EINVAL" || code === "ENOTDIR") return false;
    throw error;
  }
}

function notEmpty(sentence: string): DeltaObstacle {
  return { code: "target-not-empty", sentence };
}
