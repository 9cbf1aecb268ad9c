import { AppError } from "@tidemark/kit";
import type { BinaryAsker } from "./asker.ts";
import { onServerFile } from "./server-files.ts";

export interface ReadBinaryFileOptions {
  /** The first byte; 0 unless given. */
  readonly offset?: number | undefined;
  /** How many at most; to the end of the file unless given. */
  readonly lengthBytes?: number | undefined;
  /** Asked for at a time, and held in memory on both sides; 1 MiB unless given. */
  readonly chunkBytes?: number | undefined;
  /** For each chunk; 60,000 unless given. */
  readonly timeoutMs?: number | undefined;
}

const defaultChunkBytes = 1024 * 1024;
const defaultTimeoutMs = 60_000;

/** Asked for with one statement at most; larger chunks are put together of several (a session takes rows of 64 MiB). */
const largestAnswerBytes = 16 * 1024 * 1024;

/**
 * The bytes of a file of the server, in chunks. It ends with the file: a range beyond the end gives nothing, one that
 * reaches beyond it gives what there is, and so does a file that shrinks meanwhile. One that goes away is an error.
 * Relative paths start in the data directory; any path that is text for the server will do.
 *
 * Needs: EXECUTE on pg_read_binary_file(text, bigint, bigint, boolean) (superusers only by default), and
 * pg_read_server_files for an absolute path outside the data and log directories.
 *
 * @throws AppError `file-missing-on-server`, `privilege-missing`, `bad-request` for an impossible range.
 */
export async function* readBinaryFile(
  session: BinaryAsker,
  path: string,
  options: ReadBinaryFileOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const offset = options.offset ?? 0;
  const chunkBytes = options.chunkBytes ?? defaultChunkBytes;
  const timeoutMs = options.timeoutMs ?? defaultTimeoutMs;
  assertWhole("offset", offset, 0);
  assertWhole("chunk size", chunkBytes, 1);
  if (options.lengthBytes !== undefined) assertWhole("length", options.lengthBytes, 0);
  const end = Math.min(offset + (options.lengthBytes ?? Number.MAX_SAFE_INTEGER), Number.MAX_SAFE_INTEGER);
  for (let at = offset; at < end; ) {
    const wanted = Math.min(chunkBytes, end - at);
    const { bytes, atEnd } = await readChunk(session, path, { at, wanted, timeoutMs });
    if (bytes.length > 0) yield bytes;
    if (atEnd) return;
    at += bytes.length;
  }
}

interface ChunkRequest {
  readonly at: number;
  readonly wanted: number;
  readonly timeoutMs: number;
}

async function readChunk(
  session: BinaryAsker,
  path: string,
  { at, wanted, timeoutMs }: ChunkRequest,
): Promise<{ readonly bytes: Uint8Array; readonly atEnd: boolean }> {
  const pieces: Buffer[] = [];
  for (let read = 0; read < wanted; ) {
    const asked = Math.min(largestAnswerBytes, wanted - read);
    const piece = await ask(session, path, { at: at + read, wanted: asked, timeoutMs });
    pieces.push(piece);
    read += piece.length;
    // fread() gives less than was asked for at the end of a file only.
    if (piece.length < asked) return { bytes: joined(pieces), atEnd: true };
  }
  return { bytes: joined(pieces), atEnd: false };
}

function joined(pieces: readonly Buffer[]): Uint8Array {
  const [first] = pieces;
  return pieces.length === 1 && first !== undefined ? first : Buffer.concat(pieces);
}

async function ask(session: BinaryAsker, path: string, { at, wanted, timeoutMs }: ChunkRequest): Promise<Buffer> {
  const [row] = await onServerFile(path, () =>
    session.queryBinary(
      "SELECT pg_catalog.pg_read_binary_file($1::text, $2::int8, $3::int8, true)",
      [path, at, wanted],
      { timeoutMs },
    ),
  );
  const bytes = row?.[0];
  if (bytes !== undefined && bytes !== null) return bytes;
  throw new AppError("file-missing-on-server", {
    message: `the server has no file "${path}"${at === 0 ? "" : " any more"}`,
    hint: "relative paths start in the server's data directory",
    context: { path },
  });
}

function assertWhole(what: string, value: number, smallest: number): void {
  if (Number.isSafeInteger(value) && value >= smallest) return;
  throw new AppError("bad-request", { message: `a file cannot be read with a ${what} of ${value} bytes` });
}
