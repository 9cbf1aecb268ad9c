import type { ReadableFile } from "@tidemark/repository";

/** One entry of a folder of the cluster. Names are raw: one character for each byte. */
export interface ListedEntry {
  readonly name: string;
  /** `link`: a symbolic link (only where links can be seen); `other`: a socket, a pipe, a device. */
  readonly kind: "file" | "folder" | "link" | "other";
  readonly sizeBytes: number;
  /** Permission bits; what PostgreSQL gives its files where they cannot be seen. */
  readonly mode: number;
  readonly modifiedAt: Date;
}

/**
 * The files of a running cluster by their raw paths below the data directory. Several `read`s may be under way at once;
 * more than `lanes` wait for each other.
 */
export interface ClusterFiles {
  readonly lanes: number;
  /** Null for a folder that is gone. */
  list(path: string): Promise<readonly ListedEntry[] | null>;
  /** At most `lengthBytes`, fewer at the file's end; null for a file that is gone. */
  read(path: string, offset: number, lengthBytes: number): Promise<Uint8Array | null>;
  /** A file opened by this process, once; null for one that is gone. Missing where the files are elsewhere. */
  open?(path: string): Promise<ReadableFile | null>;
  /** What could not be looked at and is therefore left out, as sentences. */
  readonly notes: readonly string[];
  /** Idempotent; never throws. */
  close(): Promise<void>;
}

/** The text of a raw path as people read it. */
export function readablePath(path: string): string {
  return Buffer.from(path, "latin1").toString("utf8");
}

export function rawPath(readable: string): string {
  return Buffer.from(readable, "utf8").toString("latin1");
}

export function pathBytes(path: string): Uint8Array {
  return Buffer.from(path, "latin1");
}
