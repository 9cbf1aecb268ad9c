import { open, rename, rm } from "node:fs/promises";
import { AppError, formatBytes } from "@tidemark/kit";
import { newSealingKeys, openSealed, type SealingKeys } from "@tidemark/kit/sealed-text";
import type { Command } from "commander";
import { z } from "zod";
import { type ByteSink, type CommandContext, type CommonOptions, openSession, type Session } from "../context.ts";
import { exitCodes } from "../exit-code.ts";
import { findServerId } from "../lookup.ts";
import { formatInstant, printOne } from "../output.ts";
import type { Register } from "../program.ts";
import { parseResult, requireActDone, runToEnd, serverAct } from "../server-run.ts";

interface ReadOptions extends CommonOptions {
  readonly offset?: string;
  readonly length?: string;
  readonly to?: string;
}

export function addServerFileCommands(server: Command, context: CommandContext, register: Register): void {
  const pathText = "absolute, or below its data directory";
  register(
    server
      .command("file-stat <name>")
      .description("size, kind and times of a file on its machine")
      .argument("<path>", pathText),
    (name, path, options) => statFile(context, name as string, path as string, options as CommonOptions),
  );
  register(
    server
      .command("read-file <name>")
      .description("the bytes of a file on its machine, as they are, to standard output or a file")
      .argument("<path>", pathText)
      .option("--offset <bytes>", "begin there; 0 when left out")
      .option("--length <bytes>", "read so many; to the file's end when left out")
      .option("--to <file>", "write them to this file, readable for you alone; binary needs this or a pipe"),
    (name, path, options) => readFile(context, name as string, path as string, options as ReadOptions),
  );
}

const FileStat = z.looseObject({
  path: z.string(),
  sizeBytes: z.string(),
  isDirectory: z.boolean(),
  accessedAt: z.string(),
  modifiedAt: z.string(),
  changedAt: z.string().nullable(),
  createdAt: z.string().nullable(),
});

async function statFile(context: CommandContext, name: string, path: string, options: CommonOptions): Promise<number> {
  const session = openSession(context, options);
  const serverId = await findServerId(session.api, name);
  const stat = await serverAct(session, "statServerFile", { serverId, path }, FileStat);
  printOne(session.output, stat, [
    ["path", stat.path],
    ["kind", stat.isDirectory ? "directory" : "file"],
    ["size", `${formatBytes(BigInt(stat.sizeBytes))} (${stat.sizeBytes} bytes)`],
    ["accessed", formatInstant(stat.accessedAt)],
    ["modified", formatInstant(stat.modifiedAt)],
    ["changed", stat.changedAt === null ? null : formatInstant(stat.changedAt)],
    ["created", stat.createdAt === null ? null : formatInstant(stat.createdAt)],
  ]);
  return exitCodes.done;
}

async function readFile(context: CommandContext, name: string, path: string, options: ReadOptions): Promise<number> {
  const session = openSession(context, options);
  const range = {
    offset: wholeBytes("--offset", options.offset) ?? 0,
    length: wholeBytes("--length", options.length) ?? Number.POSITIVE_INFINITY,
  };
  if (options.to === undefined && session.output.format !== "table") {
    throw new AppError("bad-request", {
      message: "raw bytes have no JSON form",
      hint: "give --to FILE; what was read is then said as JSON",
    });
  }
  const serverId = await findServerId(session.api, name);
  const chunks = readChunks(session, { serverId, path, ...range });
  if (options.to === undefined) {
    await writeToOutput(chunks, context.bytes, path);
    return exitCodes.done;
  }
  const sizeBytes = await writeToFile(chunks, options.to);
  printOne(session.output, { path, offset: range.offset, sizeBytes: String(sizeBytes), file: options.to }, [
    ["read", `${path} from byte ${range.offset}`],
    ["wrote", `${formatBytes(BigInt(sizeBytes))} to ${options.to}`],
  ]);
  return exitCodes.done;
}

function wholeBytes(option: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value)) return value;
  throw new AppError("bad-request", { message: `${option} takes a whole number of bytes, not ${text}` });
}

interface FileRange {
  readonly serverId: string;
  readonly path: string;
  readonly offset: number;
  readonly length: number;
}

const Chunk = z.object({
  run: z.object({ serverAct: z.object({ sealedBytes: z.string(), lengthBytes: z.number(), atEnd: z.boolean() }) }),
});

/** The file piece by piece, each sealed for a key that only this process has. */
async function* readChunks(session: Session, { serverId, path, offset, length }: FileRange): AsyncIterable<Buffer> {
  const keys = await newSealingKeys();
  let done = 0;
  while (done < length) {
    const lengthBytes = Math.min(chunkBytes, length - done);
    const input = { serverId, path, offset: String(offset + done), lengthBytes, recipient: keys.publicKey };
    const run = await runToEnd(session, "readServerFile", input);
    requireActDone(run);
    const { bytes, atEnd } = await openChunk(session, run.id, keys);
    done += bytes.length;
    yield bytes;
    if (atEnd) return;
    if (bytes.length === 0) throw new AppError("internal", { message: `${path} goes on, but no bytes came` });
  }
}

async function openChunk(session: Session, runId: string, keys: SealingKeys) {
  const answer = await session.api.query(
    z.unknown(),
    "query ($id: ID!) { run(id: $id) { serverAct { ... on FileChunk { sealedBytes lengthBytes atEnd } } } }",
    { id: runId },
  );
  const { sealedBytes, lengthBytes, atEnd } = parseResult(Chunk, answer).run.serverAct;
  const bytes = Buffer.from((await openSealed(keys.privateKey, sealedBytes)).reveal(), "base64");
  if (bytes.length === lengthBytes) return { bytes, atEnd };
  throw new AppError("internal", { message: `${bytes.length} bytes came where ${lengthBytes} were announced` });
}

/** What one run brings at most (packages/jobs, readFileLimitBytes). */
const chunkBytes = 1024 * 1024;

/** A terminal is not given bytes that it would take for commands. */
async function writeToOutput(chunks: AsyncIterable<Buffer>, sink: ByteSink, path: string): Promise<void> {
  for await (const chunk of chunks) {
    if (sink.isTerminal && looksBinary(chunk)) {
      throw new AppError("bad-request", {
        message: `${path} is binary, and standard output is a terminal`,
        hint: "give --to FILE, or pipe it into a program",
      });
    }
    await sink.write(chunk);
  }
}

/**
 * Control characters other than tab, line feed, form feed and carriage return; also those of Unicode (U+0080 to U+009F,
 * in UTF-8 or alone as in Latin 1), which terminals obey as well.
 */
export function looksBinary(bytes: Uint8Array): boolean {
  return bytes.some((byte, index) => {
    if (byte < 0x20) return byte !== 0x09 && byte !== 0x0a && byte !== 0x0c && byte !== 0x0d;
    if (byte === 0x7f) return true;
    // Within UTF-8 such a byte follows others, maybe those of the piece before; after C2 it is U+0080 to U+009F.
    const before = bytes[index - 1] ?? 0xff;
    return byte >= 0x80 && byte <= 0x9f && (before === 0xc2 || before < 0x80);
  });
}

/** Written beside its place and put there when it is whole: a read that breaks leaves what was there. */
async function writeToFile(chunks: AsyncIterable<Buffer>, file: string): Promise<number> {
  const part = `${file}.${process.pid}.part`;
  const handle = await open(part, "wx", 0o600).catch((cause: unknown) => {
    throw new AppError("target-not-writable", { message: `${file} cannot be written`, cause });
  });
  let sizeBytes = 0;
  try {
    for await (const chunk of chunks) {
      await handle.writeFile(chunk);
      sizeBytes += chunk.length;
    }
    await handle.sync();
    await handle.close();
    await rename(part, file);
    return sizeBytes;
  } catch (error) {
    await handle.close();
    await rm(part, { force: true });
    throw error;
  }
}
