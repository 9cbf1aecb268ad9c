import { chmod, lchown, mkdir, open, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { AppError, type Secret, systemErrorCode } from "@tidemark/kit";
import type { PostgresInstallation } from "./installation.ts";
import { placeForServer } from "./place-for-server.ts";
import { runTool } from "./run-tool.ts";
import { lacksSpace } from "./server-log.ts";
import { formatSettings, type ServerSettings } from "./server-settings.ts";
import { findServerUser, type ServerUser } from "./server-user.ts";

export interface InitClusterOptions {
  readonly installation: PostgresInstallation;
  /** Must not exist, or be empty. Where the server's account cannot enter it, a stand-in is used (see the result). */
  readonly dataDir: string;
  /** The bootstrap superuser's name; `postgres` unless told otherwise. */
  readonly superuser?: string;
  /** The superuser's password (SCRAM-SHA-256); null allows only trusted connections over the unix socket. */
  readonly password: Secret | null;
  /** Page checksums; on unless told otherwise. */
  readonly checksums?: boolean;
  readonly walSegmentSizeMb?: number;
  /** Written to the end of postgresql.conf. */
  readonly settings?: ServerSettings;
  /** The whole pg_hba.conf; unless given, password logins over the socket and loopback, replication included. */
  readonly hba?: string;
  /** Fsync the new cluster; on unless told otherwise (off only for throw-away servers). */
  readonly sync?: boolean;
}

export interface InitializedCluster {
  readonly dataDir: string;
  /** The folder that was asked for, when `dataDir` stands in for it; else null. */
  readonly relocatedFrom: string | null;
}

/**
 * Makes a new cluster (UTF-8, locale C, UTC). It is made beside its final name and renamed at the end: a `dataDir`
 * that exists is whole, whatever was killed when.
 *
 * @throws AppError `target-not-empty`, `disk-full`, `postgres-start-failed` (initdb failed, with its last words).
 */
export async function initCluster(options: InitClusterOptions): Promise<InitializedCluster> {
  const user = await findServerUser();
  const place = await placeForServer(options.dataDir, user);
  await refuseNonEmpty(place.path);
  const unfinished = `${place.path}.new`;
  const passwordFile = `${place.path}.password`;
  await rm(unfinished, { recursive: true, force: true });
  try {
    await mkdir(unfinished, { mode: 0o700 });
    await give(unfinished, user);
    if (options.password !== null) await writePassword(passwordFile, options.password, user);
    await runInitdb(options, unfinished, passwordFile, user);
    await configure(options, unfinished, user);
    await rename(unfinished, place.path);
    await syncFolder(dirname(place.path));
  } finally {
    await rm(passwordFile, { force: true });
    await rm(unfinished, { recursive: true, force: true });
  }
  return { dataDir: place.path, relocatedFrom: place.relocatedFrom };
}

async function runInitdb(
  options: InitClusterOptions,
  dataDir: string,
  passwordFile: string,
  user: ServerUser | null,
): Promise<void> {
  const args = ["-D", dataDir, "-U", options.superuser ?? "postgres", "-E", "UTF8", "--locale=C"];
  if (options.checksums ?? true) args.push("--data-checksums");
  // From 18 on checksums are the default and must be declined in so many words.
  else if (options.installation.major >= 18) args.push("--no-data-checksums");
  if (options.walSegmentSizeMb !== undefined) args.push(`--wal-segsize=${options.walSegmentSizeMb}`);
  if (options.sync === false) args.push("--no-sync");
  if (options.password === null) args.push("--auth=trust");
  else args.push("--auth=scram-sha-256", `--pwfile=${passwordFile}`);
  const result = await runTool(options.installation, "initdb", args, { user, environment: { TZ: "UTC" } });
  if (result.exitCode === 0) return;
  const full = lacksSpace(result.stderr);
  throw new AppError(full ? "disk-full" : "postgres-start-failed", {
    message: `initdb of PostgreSQL ${options.installation.major} failed in ${dataDir}: ${lastLines(result.stderr)}`,
    hint: full ? "free some space there and try again" : "nothing was left behind",
    context: { dataDir, exitCode: result.exitCode },
  });
}

async function configure(options: InitClusterOptions, dataDir: string, user: ServerUser | null): Promise<void> {
  const configPath = join(dataDir, "postgresql.conf");
  const settings = { timezone: "UTC", log_timezone: "UTC", ...options.settings };
  const config = await readFile(configPath, "utf8");
  await writeFile(configPath, `${config}\n# Set by Tidemark\n${formatSettings(settings)}`);
  const hbaPath = join(dataDir, "pg_hba.conf");
  await writeFile(hbaPath, options.hba ?? (options.password === null ? socketOnlyHba : passwordHba));
  for (const path of [configPath, hbaPath]) await give(path, user);
}

const passwordHba = `# TYPE  DATABASE     USER  ADDRESS       METHOD
local   all          all                 scram-sha-256
host    all          all   127.0.0.1/32  scram-sha-256
host    all          all   ::1/128       scram-sha-256
local   replication  all                 scram-sha-256
host    replication  all   127.0.0.1/32  scram-sha-256
host    replication  all   ::1/128       scram-sha-256
`;

// The socket's folder is open to the server's own account only (see start-cluster.ts).
const socketOnlyHba = `# TYPE  DATABASE     USER  METHOD
local   all          all   trust
local   replication  all   trust
`;

async function refuseNonEmpty(dataDir: string): Promise<void> {
  const entries = await readdir(dataDir).catch((error: unknown) => {
    if (systemErrorCode(error) === "ENOENT") return [];
    throw error;
  });
  if (entries.length === 0) return;
  throw new AppError("target-not-empty", {
    message: `${dataDir} is not empty, so no new cluster is made there`,
    hint: "nothing was changed; choose another folder",
    context: { dataDir },
  });
}

async function writePassword(path: string, password: Secret, user: ServerUser | null): Promise<void> {
  await rm(path, { force: true });
  await writeFile(path, `${password.reveal()}\n`, { mode: 0o600, flag: "wx" });
  await chmod(path, 0o600);
  await give(path, user);
}

async function give(path: string, user: ServerUser | null): Promise<void> {
  if (user !== null) await lchown(path, user.uid, user.gid);
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function lastLines(text: string): string {
  return text.trim().split("\n").slice(-3).join(" ");
}
