import { type FileHandle, open } from "node:fs/promises";
import { basename } from "node:path";
import { AppError, systemErrorCode } from "@tidemark/kit";
import { segmentHeaderBytes } from "@tidemark/postgres/segment-reading";
import type { WalArchive } from "@tidemark/repository";
import { walFileKind } from "../../recovery/segment-order.ts";
import {
  assertOwner,
  dataDirectoryOf,
  originOfDataDirectory,
  readSegmentHeader,
  type WalOwner,
} from "../wal-origin.ts";
import { identityText } from "./file-identity.ts";
import { joinOutcomes, writeSegment } from "./write-segment.ts";

export interface WalPushDeps {
  /** Where every file goes: it is pushed when it is durable in all of them. */
  readonly owners: readonly [WalOwner, ...WalOwner[]];
  /** Part of the names of what is written, `[a-z0-9_-]{1,40}`: no two processes have the same. */
  readonly writer: string;
}

export interface PushedWal {
  readonly name: string;
  /** `same`: these very bytes were there already, everywhere. */
  readonly outcome: "stored" | "same";
  /** Of the file as it was read (`identityOf`). */
  readonly identity: string;
}

/**
 * Stores a file of `pg_wal` in the repositories and resolves when it is durable there. A file that is there with the same
 * bytes is a success, with others `wal-conflict`. `wal-foreign-server`: it is another cluster's. `wal-invalid`: it is not
 * what its name says. What went wrong in one repository does not keep it from the other; the first error is thrown.
 */
export async function pushWal(deps: WalPushDeps, path: string, signal?: AbortSignal): Promise<PushedWal> {
  const name = basename(path);
  const kind = walFileKind(name);
  if (kind === null) {
    throw new AppError("wal-invalid", {
      message: `${name} is no name of a file that PostgreSQL archives`,
      hint: "archive_command gives %p: `tidemark wal push %p`",
      context: { path },
    });
  }
  const file = await openFile(path);
  try {
    const found = await file.stat({ bigint: true });
    if (!found.isFile()) throw new AppError("wal-invalid", { message: `${path} is no file`, context: { path } });
    const identity = identityText(found);
    const request = { name, path, file, sizeBytes: Number(found.size), identity, signal };
    const outcome = kind === "segment" ? await pushSegment(deps, request) : await pushSmall(deps, request, kind);
    return { name, outcome, identity };
  } finally {
    await file.close();
  }
}

interface PushRequest {
  readonly name: string;
  readonly path: string;
  readonly file: FileHandle;
  readonly sizeBytes: number;
  readonly identity: string;
  readonly signal: AbortSignal | undefined;
}

async function pushSegment(deps: WalPushDeps, request: PushRequest): Promise<PushedWal["outcome"]> {
  const { name, path, file, sizeBytes } = request;
  const head = await readStart(file, segmentHeaderBytes);
  const header = readSegmentHeader(name, sizeBytes, head);
  await assertOwners(deps, header.systemIdentifier, name);
  const archives = deps.owners.map(({ area }) => area.wal(header.systemIdentifier));
  return await writeSegment({
    archives,
    header,
    file,
    path,
    writer: deps.writer,
    signal: request.signal,
    assertUnchanged: () => assertUnchanged(request),
  });
}

/** A history, a `.backup` file, or the `.partial` of a server that was promoted: small, or rare. */
async function pushSmall(
  deps: WalPushDeps,
  request: PushRequest,
  kind: "history" | "other",
): Promise<PushedWal["outcome"]> {
  const { name, file, sizeBytes } = request;
  if (sizeBytes > (name.endsWith(".partial") ? 1 << 30 : largestNote)) {
    throw new AppError("wal-invalid", { message: `${name} has ${sizeBytes} bytes, which no such file has` });
  }
  const content = await readStart(file, sizeBytes);
  const systemIdentifier = await identifierOf(deps, request, content);
  await assertOwners(deps, systemIdentifier, name);
  await assertUnchanged(request);
  const put = (archive: WalArchive): Promise<"stored" | "same"> =>
    kind === "history"
      ? archive.putHistory(Number.parseInt(name.slice(0, 8), 16), content)
      : archive.putFile(name, content);
  return joinOutcomes(await Promise.allSettled(deps.owners.map(({ area }) => put(area.wal(systemIdentifier)))));
}

/** A partial segment says whose it is; of the others, whose server it is that has them. */
async function identifierOf(deps: WalPushDeps, request: PushRequest, content: Uint8Array): Promise<bigint> {
  const { name, path, sizeBytes } = request;
  if (name.endsWith(".partial")) {
    return readSegmentHeader(name.slice(0, 24), sizeBytes, content.subarray(0, segmentHeaderBytes)).systemIdentifier;
  }
  const origin = await originOfDataDirectory(dataDirectoryOf(path));
  const known = origin?.systemIdentifier ?? deps.owners[0].systemIdentifier;
  if (known !== null) return known;
  throw new AppError("wal-invalid", {
    message: `${path} does not tell which cluster it belongs to, and global/pg_control of its server cannot be read`,
    hint: "write the host's settings anew (tidemark server host-config): they name the cluster",
    context: { path },
  });
}

async function assertOwners(deps: WalPushDeps, systemIdentifier: bigint, what: string): Promise<void> {
  for (const owner of deps.owners) await assertOwner(owner, systemIdentifier, what);
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    return await open(path, "r");
  } catch (cause) {
    const isGone = systemErrorCode(cause) === "ENOENT";
    throw new AppError("wal-invalid", {
      message: isGone ? `${path} is not there` : `${path} cannot be read: ${(cause as Error).message}`,
      hint: isGone ? "give the path as PostgreSQL knows it" : "run this as the user that PostgreSQL runs under",
      context: { path },
      cause,
    });
  }
}

async function readStart(file: FileHandle, sizeBytes: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(sizeBytes);
  let length = 0;
  while (length < sizeBytes) {
    const { bytesRead } = await file.read(bytes, length, sizeBytes - length, length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return bytes.subarray(0, length);
}

/** The server never touches what it gives to be archived. Something else may: then what was read is no one file. */
async function assertUnchanged({ name, file, identity }: PushRequest): Promise<void> {
  if (identityText(await file.stat({ bigint: true })) === identity) return;
  throw new AppError("wal-invalid", {
    message: `${name} was changed while it was read`,
    hint: "nothing was stored; the server asks again",
  });
}

/** A history has a line for each timeline before it, a `.backup` file a dozen. */
const largestNote = 16 << 20;
