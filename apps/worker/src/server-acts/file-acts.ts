import type { ServerAct, ServerActResult } from "@tidemark/jobs";
import { AppError } from "@tidemark/kit";
import { isPublicKey, seal } from "@tidemark/kit/sealed-text";
import { readBinaryFile, type SqlSession, statFile } from "@tidemark/postgres";

type Act<Kind extends ServerAct["kind"]> = Extract<ServerAct, { kind: Kind }>;

/** A file's size, times and kind, as the server's operating system gives them. */
export async function fileStatAct(session: SqlSession, { path }: Act<"file-stat">): Promise<ServerActResult> {
  const stat = await statFile(session, path);
  return {
    kind: "file-stat",
    path,
    sizeBytes: String(stat.sizeBytes),
    isDirectory: stat.isDirectory,
    accessedAt: stat.accessedAt.toISOString(),
    modifiedAt: stat.modifiedAt.toISOString(),
    changedAt: stat.changedAt?.toISOString() ?? null,
    createdAt: stat.createdAt?.toISOString() ?? null,
  };
}

/** Some bytes of a file, for the asker's eyes alone: server files hold secrets, and results are kept in rows. */
export async function readFileAct(session: SqlSession, request: Act<"read-file">): Promise<ServerActResult> {
  const { path, offset, lengthBytes, recipient } = request;
  if (!isPublicKey(recipient)) {
    throw new AppError("bad-request", {
      message: "the recipient is no public key of ours",
      hint: "make a pair of sealing keys and give the public one",
    });
  }
  // One byte more than asked for tells whether the file goes on.
  const read = await collect(readBinaryFile(session, path, { offset, lengthBytes: lengthBytes + 1 }));
  const bytes = read.subarray(0, lengthBytes);
  return {
    kind: "read-file",
    path,
    offset,
    lengthBytes: bytes.length,
    sealedBytes: await seal(recipient, bytes.toString("base64")),
    atEnd: read.length <= lengthBytes,
  };
}

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}
