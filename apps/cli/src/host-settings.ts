import { readFileSync } from "node:fs";
import { isAbsolute, resolve } from "node:path";
import { AppError } from "@tidemark/kit";
import type { Environment } from "@tidemark/kit/settings";
import { z } from "zod";

const Path = z
  .string()
  .refine((path) => isAbsolute(path) && !/["\\\r\n]/.test(path), 'is no absolute path without " and \\');
const HostRepository = z.strictObject({
  url: z.string().min(1),
  /** The text of a credentials file (docs/object-stores.md), or where one is. */
  credentials: z.string().optional(),
  credentialsFile: Path.optional(),
  /** The text of a key file, or where one is. Neither: nothing there is encrypted. */
  key: z.string().optional(),
  keyFile: Path.optional(),
});
const seconds = z.number().int().min(1).max(86_400);

const HostSettings = z.strictObject({
  /** First in the file and on a line of its own: the shell's half of the command reads it there. */
  spool: Path,
  socket: Path.optional(),
  serverId: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/),
  serverName: z.string().optional(),
  systemIdentifier: z
    .string()
    .regex(/^\d{1,20}$/)
    .optional(),
  repository: HostRepository,
  second: HostRepository.extend({ push: z.boolean().default(false) }).optional(),
  compression: z.string().default("zstd:1"),
  parallel: z.number().int().min(1).max(32).default(2),
  prefetch: z.number().int().min(0).max(256).default(8),
  retrySeconds: seconds.default(60),
  pushSeconds: seconds.default(120),
  /** Whether an agent is started when one is asked for and there is none (`auto`), or somebody else sees to that (`service`). */
  agent: z.enum(["auto", "service"]).default("auto"),
});

/** What `wal push`, `wal fetch` and the agent of a database host know (docs/wal-on-the-host.md). */
export interface HostSettings extends z.infer<typeof HostSettings> {
  readonly socket: string;
  /** Where it was read. */
  readonly file: string;
}
export type HostRepository = z.infer<typeof HostRepository>;
/** What is written into such a file. */
export type HostSettingsFile = z.input<typeof HostSettings>;

/** Reads the file that `--config` or `TIDEMARK_CONFIG` names. Throws `setting-invalid`, which names no secret. */
export function readHostSettings(environment: Environment, config: string | undefined): HostSettings {
  const named = config ?? environment.TIDEMARK_CONFIG;
  if (named === undefined || named === "") {
    throw invalid(
      "no settings of this host are named",
      "say --config FILE, or set TIDEMARK_CONFIG; `tidemark server host-config` writes the file",
    );
  }
  const file = resolve(named);
  const parsed = HostSettings.safeParse(parseJson(file));
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path, message }) => `${path.join(".") || "the file"}: ${message}`);
    throw invalid(`the settings in ${file} cannot be used: ${problems.join("; ")}`, writeAnew);
  }
  return { ...parsed.data, socket: parsed.data.socket ?? `${parsed.data.spool}/agent.sock`, file };
}

/** The text of such a file; one name a line. */
export function hostSettingsText(settings: HostSettingsFile): string {
  const { spool, ...others } = HostSettings.parse(settings);
  return `${JSON.stringify({ spool, ...others }, null, 2)}\n`;
}

/** Where host-config puts what it makes, unless told: a spool beside other state of the machine. */
export function defaultSpool(serverName: string): string {
  return resolve("/var/lib/tidemark", serverName.replaceAll(/[^A-Za-z0-9._-]/g, "-"));
}

function parseJson(file: string): unknown {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    throw invalid(
      `the settings ${file} cannot be read`,
      "run it as the user that PostgreSQL runs under, who must be able to read them",
      cause,
    );
  }
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own words show what stands there.
    throw invalid(`the settings ${file} are no JSON`, writeAnew);
  }
}

const writeAnew = "correct it, or write it anew with `tidemark server host-config`";

function invalid(message: string, hint?: string, cause?: unknown): AppError {
  return new AppError("setting-invalid", { message, hint, cause });
}
