import { posix } from "node:path";
import { AppError } from "@tidemark/kit";
import type { Asker } from "./asker.ts";
import { type AskingRole, readAskingRole } from "./asking-role.ts";
import { type ConfigurationFile, readConfigurationFiles } from "./configuration-files.ts";
import { type FileSetting, type HbaRule, type IdentMapping, readRules } from "./configuration-rules.ts";
import { onServerFile } from "./server-files.ts";
import { isInside } from "./tablespaces.ts";

/**
 * The server's configuration as far as the role may read it, as plain JSON for a backup's manifest. It holds what the
 * files hold, secrets too (primary_conninfo, an LDAP password in pg_hba.conf), as the data directory itself does.
 */
export interface ServerConfiguration {
  /** Null without pg_read_all_settings. */
  readonly dataDirectory: string | null;
  readonly files: readonly ConfigurationFileContent[];
  /** pg_file_settings, when not every configuration file could be read; null also without the privilege. */
  readonly fileSettings: readonly FileSetting[] | null;
  /** The settings in force that come from a file, as SHOW prints them, when neither files nor pg_file_settings may be read. */
  readonly settings: readonly { readonly name: string; readonly value: string }[] | null;
  /** pg_hba_file_rules, when not every hba file could be read; null also without the privilege. */
  readonly hbaRules: readonly HbaRule[] | null;
  /** pg_ident_file_mappings (15+), likewise. */
  readonly identMappings: readonly IdentMapping[] | null;
}

export interface ConfigurationFileContent {
  readonly purpose: ConfigurationFile["purpose"];
  /** Null when this role may not know where the file is. */
  readonly path: string | null;
  readonly insideDataDirectory: boolean | null;
  /** Null when it may not be, or was not, read. */
  readonly content: string | null;
  /** `base64` for a file that is no UTF-8, so that its bytes survive. Null with `content`. */
  readonly encoding: "utf8" | "base64" | null;
  /** One sentence; null when read. */
  readonly whyNot: string | null;
}

export interface ReadConfigurationOptions {
  readonly role?: AskingRole | undefined;
  /** A longer file is left out; 1 MiB unless given. */
  readonly largestFileBytes?: number | undefined;
  /** All files together; what comes after is left out. 8 MiB unless given. */
  readonly largestTotalBytes?: number | undefined;
}

const defaultLargestFileBytes = 1024 * 1024;
const defaultLargestTotalBytes = 8 * 1024 * 1024;
/** An include directory may hold any number of files. */
const mostFiles = 500;

/**
 * Reads the configuration: the files themselves where the role may, else what the server tells of them. Never fails
 * for a missing privilege.
 *
 * Needs, for the files: pg_read_all_settings (their paths), EXECUTE on pg_read_binary_file(text, bigint, bigint,
 * boolean) or on pg_read_file of the same arguments, and pg_read_server_files for files outside the data directory.
 * Else: pg_file_settings, pg_hba_file_rules and pg_ident_file_mappings, granted with their functions.
 */
export async function readConfiguration(
  asker: Asker,
  options: ReadConfigurationOptions = {},
): Promise<ServerConfiguration> {
  const role = options.role ?? (await readAskingRole(asker));
  const [place] = await asker.query<{ readonly path: string }>(
    "SELECT setting AS path FROM pg_catalog.pg_settings WHERE name = 'data_directory'",
  );
  const dataDirectory = place?.path ?? null;
  const files = await readFiles(asker, role, dataDirectory, options);
  return { dataDirectory, files, ...(await readRules(asker, role, files)) };
}

type Place = Pick<ConfigurationFileContent, "purpose" | "path" | "insideDataDirectory">;

/** Where the files are when their paths are hidden, unless an administrator moved them (initdb's places). */
const usualPlaces: readonly (readonly [ConfigurationFile["purpose"], string])[] = [
  ["config", "postgresql.conf"],
  ["hba", "pg_hba.conf"],
  ["ident", "pg_ident.conf"],
  ["include", "postgresql.auto.conf"],
];

async function readFiles(
  asker: Asker,
  role: AskingRole,
  dataDirectory: string | null,
  options: ReadConfigurationOptions,
): Promise<ConfigurationFileContent[]> {
  const known = await readConfigurationFiles(asker, role);
  const mayRead = role.readsBinaryFiles || role.readsTextFiles;
  if (known === null && !mayRead) {
    const whyNot = `the role "${role.name}" lacks pg_read_all_settings, so it may not know where the file is`;
    const purposes = ["config", "hba", "ident"] as const;
    return purposes.map((purpose) => left({ purpose, path: null, insideDataDirectory: null }, whyNot));
  }
  const queue: Place[] = known ?? usualPlaces.map(([purpose, path]) => ({ purpose, path, insideDataDirectory: true }));
  const largest = options.largestFileBytes ?? defaultLargestFileBytes;
  let remaining = options.largestTotalBytes ?? defaultLargestTotalBytes;
  const seen = new Set(queue.map(({ path }) => path));
  const hba = new Set(queue.filter(({ purpose }) => purpose === "hba").map(({ path }) => path));
  const files: ConfigurationFileContent[] = [];
  for (const place of queue) {
    if (files.length === mostFiles) break;
    const { bytes, whyNot } = await readFile(asker, role, place, Math.min(largest, remaining));
    if (bytes === null) {
      files.push(left(place, whyNot));
      continue;
    }
    remaining -= bytes.length;
    const file = { ...place, ...textOf(bytes), whyNot: null };
    files.push(file);
    if (file.path === null) continue;
    const isHba = hba.has(file.path);
    for (const path of namedFiles(file.content, file.path, isHba)) {
      if (seen.has(path)) continue;
      seen.add(path);
      if (isHba) hba.add(path);
      queue.push({ purpose: "include", path, insideDataDirectory: isInside(path, dataDirectory) });
    }
  }
  return files;
}

async function readFile(
  asker: Asker,
  role: AskingRole,
  { path, insideDataDirectory }: Place,
  largestBytes: number,
): Promise<{ readonly bytes: Buffer; readonly whyNot: null } | { readonly bytes: null; readonly whyNot: string }> {
  const refused = (whyNot: string) => ({ bytes: null, whyNot }) as const;
  if (path === null) return refused("its path is not known");
  if (!role.readsBinaryFiles && !role.readsTextFiles) {
    return refused(`the role "${role.name}" lacks EXECUTE on pg_read_binary_file(text, bigint, bigint, boolean)`);
  }
  if (insideDataDirectory !== true && !role.readsServerFiles) {
    return refused(`it lies outside the data directory, and the role "${role.name}" lacks pg_read_server_files`);
  }
  // One byte more than may be kept tells a file that is too long.
  const wanted = largestBytes + 1;
  const text = role.readsBinaryFiles
    ? "pg_catalog.pg_read_binary_file($1::text, 0, $2::int8, true)"
    : "pg_catalog.convert_to(pg_catalog.pg_read_file($1::text, 0, $2::int8, true), 'UTF8')";
  try {
    const [row] = await onServerFile(path, () =>
      asker.query<{ readonly content: string | null }>(`SELECT pg_catalog.encode(${text}, 'base64') AS content`, [
        path,
        wanted,
      ]),
    );
    if (row?.content === undefined || row.content === null) return refused("there is no such file");
    const bytes = Buffer.from(row.content, "base64");
    return bytes.length < wanted ? { bytes, whyNot: null } : refused(`it is longer than ${largestBytes} bytes`);
  } catch (error) {
    if (error instanceof AppError && tolerated.has(error.code)) return refused(error.message);
    throw error;
  }
}

/** What the server says of one file; a lost session is not among them. */
const tolerated: ReadonlySet<string> = new Set(["privilege-missing", "file-missing-on-server", "server-error"]);

function left(place: Place, whyNot: string): ConfigurationFileContent {
  return { ...place, content: null, encoding: null, whyNot };
}

function textOf(bytes: Buffer): { readonly content: string; readonly encoding: "utf8" | "base64" } {
  try {
    // A byte order mark is kept: it is part of the file.
    const content = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    if (!content.includes("\0")) return { content, encoding: "utf8" };
  } catch {
    // No UTF-8: an old comment in another encoding is enough.
  }
  return { content: bytes.toString("base64"), encoding: "base64" };
}

/**
 * Files a configuration file includes (manual, "Setting Parameters via the Configuration File"; in hba and ident files
 * since 16), and those an hba file names with `@` in its database and user columns. Relative to the file itself. An
 * include_dir is left to the server, which tells the files it found there.
 */
export function namedFiles(content: string, path: string, isHba: boolean): string[] {
  const named = new Set<string>();
  for (const line of content.split("\n")) {
    const included = /^\s*include(?:_if_exists)?(?:\s*=\s*|\s+)(?:'((?:[^']|'')*)'|"([^"]+)"|([^\s#'"=]+))/i.exec(line);
    const name = included?.[1]?.replaceAll("''", "'") ?? included?.[2] ?? included?.[3] ?? "";
    if (name !== "") named.add(name);
    if (!isHba) continue;
    for (const match of line.replace(/#.*$/, "").matchAll(/(?<=^|[\s,])@(?:"([^"]+)"|([^\s,"]+))/g)) {
      named.add(match[1] ?? match[2] ?? "");
    }
  }
  return [...named].map((name) => (posix.isAbsolute(name) ? name : posix.join(posix.dirname(path), name)));
}
