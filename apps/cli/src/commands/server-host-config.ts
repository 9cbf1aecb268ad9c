import { randomBytes } from "node:crypto";
import { chown, mkdir, open, rename, rm, stat } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname, resolve } from "node:path";
import { resolveOwner } from "@tidemark/engine";
import { AppError, systemErrorCode } from "@tidemark/kit";
import { newRepositoryKey } from "@tidemark/repository";
import type { Command } from "commander";
import { z } from "zod";
import { type CommandContext, type CommonOptions, openSession, type Session } from "../context.ts";
import { readStoreCredentials } from "../direct-store.ts";
import { exitCodes } from "../exit-code.ts";
import { throwUnlessSucceeded } from "../follow-run.ts";
import { defaultSpool, type HostRepository, hostSettingsText } from "../host-settings.ts";
import { findServerId } from "../lookup.ts";
import { printOne } from "../output.ts";
import type { Register } from "../program.ts";
import { runToEnd } from "../server-run.ts";

interface HostConfigOptions extends CommonOptions {
  readonly to: string;
  readonly spool?: string;
  readonly owner?: string;
  readonly host: string;
  readonly credentialsFile?: string;
  readonly repositoryAt?: string;
  readonly secondCredentialsFile?: string;
  readonly secondAt?: string;
  readonly pushToBoth?: boolean;
  readonly compression?: string;
  readonly replace?: boolean;
}

export function addServerHostConfigCommand(server: Command, context: CommandContext, register: Register): void {
  register(
    server
      .command("host-config <name>")
      .description("write the settings that `wal push`, `wal fetch` and `wal agent` need on the server's host")
      .requiredOption("--to <file>", "where to write them, readable by their owner alone")
      .option("--spool <dir>", "the agent's folder on that host; else one below /var/lib/tidemark")
      .option("--owner <user>", "whom file and folder belong to: the user PostgreSQL runs under; needs root")
      .option("--host <name>", "how the host is called in the list of the repository's keys", hostname())
      .option(
        "--credentials-file <file>",
        "what opens the object store from that host, best with rights below the server's place alone",
      )
      .option("--repository-at <url>", "the repository's address as seen from that host, when it is another")
      .option("--second-credentials-file <file>", "the same for the repository that holds the copies")
      .option("--second-at <url>", "the same for its address")
      .option("--push-to-both", "archive into both; else the second is only read, and the control plane copies")
      .option("--compression <setting>", "zstd:1 to zstd:19, gzip:1 to gzip:9, lz4 or none")
      .option("--replace", "write over a file that is there"),
    (name, options) => hostConfig(context, name as string, options as HostConfigOptions),
  );
}

const Place = z.object({ id: z.string(), name: z.string(), location: z.string(), encrypted: z.boolean() });
const HostFacts = z.object({
  id: z.string(),
  name: z.string(),
  systemIdentifier: z.string().nullable(),
  repository: Place,
  copyTo: Place.nullable(),
});
type HostFacts = z.infer<typeof HostFacts>;

async function hostConfig(context: CommandContext, name: string, options: HostConfigOptions): Promise<number> {
  const session = openSession(context, options);
  const file = resolve(options.to);
  await assertFree(file, options);
  const owner = options.owner === undefined ? null : await resolveOwner(options.owner, file);
  const facts = await fetchFacts(session, name);
  const spool = resolve(options.spool ?? defaultSpool(facts.name));
  const label = `host ${options.host} of ${facts.name}`;
  const host = { serverId: facts.id, label };
  const first = await place(session, facts.repository, host, options.repositoryAt, options.credentialsFile);
  const second =
    facts.copyTo === null
      ? null
      : await place(session, facts.copyTo, host, options.secondAt, options.secondCredentialsFile);
  const text = hostSettingsText({
    spool,
    serverId: facts.id,
    serverName: facts.name,
    ...(facts.systemIdentifier === null ? {} : { systemIdentifier: facts.systemIdentifier }),
    repository: first.settings,
    ...(second === null ? {} : { second: { ...second.settings, push: options.pushToBoth === true } }),
    ...(options.compression === undefined ? {} : { compression: options.compression }),
  });
  await writeSecret(file, text, owner);
  await makeSpool(session, spool, owner);
  report(session, { facts, file, spool, places: second === null ? [first] : [first, second] });
  return exitCodes.done;
}

async function fetchFacts(session: Session, name: string): Promise<HostFacts> {
  const id = await findServerId(session.api, name);
  const place = "id name location encrypted";
  const { server } = await session.api.query(
    z.object({ server: HostFacts.nullable() }),
    `query ($id: ID!) { server(id: $id) { id name systemIdentifier repository { ${place} } copyTo { ${place} } } }`,
    { id },
  );
  if (server === null) throw new AppError("not-found", { message: `server ${name} was removed meanwhile` });
  return server;
}

interface HostPlace {
  readonly name: string;
  readonly settings: HostRepository;
  /** Names of the key slots that were made for this host; empty: nothing there is encrypted. */
  readonly slots: readonly string[];
}

/** How a host reaches a repository, with a key of its own that opens the server's WAL there and nothing else. */
async function place(
  session: Session,
  repository: z.infer<typeof Place>,
  host: { readonly serverId: string; readonly label: string },
  at: string | undefined,
  credentialsFile: string | undefined,
): Promise<HostPlace> {
  const credentials = credentialsFile === undefined ? {} : { credentials: readStoreCredentials(credentialsFile) };
  const settings = { url: at ?? repository.location, ...credentials };
  if (!repository.encrypted) return { name: repository.name, settings, slots: [] };
  const { text } = newRepositoryKey(randomBytes);
  const key = text.reveal();
  const input = { repositoryId: repository.id, keyText: key, label: host.label, walOf: host.serverId };
  const run = await runToEnd(session, "addRepositoryKey", input);
  throwUnlessSucceeded(run);
  const { added } = z.object({ added: z.array(z.string()) }).parse(run.result);
  return { name: repository.name, settings: { ...settings, key }, slots: added };
}

async function assertFree(file: string, { replace }: HostConfigOptions): Promise<void> {
  if (replace === true || !(await isThere(file))) return;
  throw new AppError("bad-request", {
    message: `${file} is there already`,
    hint: "nothing was changed; --replace writes over it, and the key in it can then be taken away",
  });
}

/** A folder that may not be looked into is an error, not a free place. */
async function isThere(file: string): Promise<boolean> {
  try {
    await stat(file);
    return true;
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return false;
    throw error;
  }
}

/** Never readable by others, not for a moment; whole or not at all. */
async function writeSecret(file: string, text: string, owner: { uid: number; gid: number } | null): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const draft = `${file}.tmp`;
  await rm(draft, { force: true });
  const handle = await open(draft, "wx", 0o600);
  try {
    await handle.writeFile(text);
    if (owner !== null) await handle.chown(owner.uid, owner.gid);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(draft, file);
}

/** On another machine the folder is that host's to make. */
async function makeSpool(session: Session, spool: string, owner: { uid: number; gid: number } | null): Promise<void> {
  try {
    await mkdir(spool, { recursive: true, mode: 0o700 });
    if (owner !== null) await chown(spool, owner.uid, owner.gid);
  } catch {
    session.output.note(`make the folder ${spool} on the host, owned by the user PostgreSQL runs under\n`);
  }
}

interface Written {
  readonly facts: HostFacts;
  readonly file: string;
  readonly spool: string;
  readonly places: readonly HostPlace[];
}

function report(session: Session, { facts, file, spool, places }: Written): void {
  const program = resolve(import.meta.dirname, "../../bin/tidemark");
  const archiveCommand = `${program} wal push --config ${file} %p`;
  const restoreCommand = `${program} wal fetch --config ${file} %f %p`;
  const json = {
    server: facts.name,
    file,
    spool,
    archiveCommand,
    restoreCommand,
    keySlots: places.map(({ name, slots }) => ({ repository: name, slots })),
  };
  printOne(session.output, json, [
    ["written", file],
    ["agent's folder", spool],
    ["archive_command", archiveCommand],
    ["restore_command", restoreCommand],
    ...places.flatMap((one) => (one.slots.length === 0 ? [] : [[`key in ${one.name}`, one.slots.join(", ")] as const])),
  ]);
  for (const { name, slots } of places) {
    const what =
      slots.length === 0
        ? `${name} is not encrypted: whoever reaches its store can read everything there`
        : `in ${name} the key opens the WAL of ${facts.name} and nothing else; ` +
          `\`tidemark repository key remove ${name} OWNER\` takes it away`;
    session.output.note(`${what}\n`);
  }
  if (facts.systemIdentifier === null) {
    session.output.note(
      `${facts.name} was never connected to, so its system identifier is not known: the first server that pushes is taken for it\n`,
    );
  }
}
