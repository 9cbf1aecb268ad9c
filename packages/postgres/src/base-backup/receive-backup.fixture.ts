import { crc32c } from "@tidemark/kit";
import type { BaseBackupEvent, BaseBackupStream } from "./base-backup-events.ts";

/** A base backup in memory, for tests. Names are shown as Latin-1, so that any bytes survive. */
export interface ReceivedBackup {
  readonly start: Extract<BaseBackupEvent, { kind: "start" }>;
  readonly end: Extract<BaseBackupEvent, { kind: "end" }>;
  readonly files: ReadonlyMap<string, ReceivedFile>;
  readonly directories: readonly string[];
  readonly manifest: Buffer;
  readonly doneBytes: bigint;
  /** Of a file that was kept. */
  contents(path: string): Buffer;
}

export interface ReceivedFile {
  readonly sizeBytes: number;
  readonly crc32c: number;
  /** Null unless `keep` wanted it. */
  readonly bytes: Buffer | null;
}

const smallFiles = new Set(["backup_label", "tablespace_map", "global/pg_control"]);

export async function receiveBackup(
  stream: BaseBackupStream,
  keep: (path: string) => boolean = (path) => smallFiles.has(path),
  watch: (event: BaseBackupEvent) => void = () => undefined,
): Promise<ReceivedBackup> {
  const files = new Map<string, ReceivedFile>();
  const directories: string[] = [];
  const manifest: Buffer[] = [];
  let start: ReceivedBackup["start"] | null = null;
  let end: ReceivedBackup["end"] | null = null;
  let doneBytes = 0n;
  let path = "";
  let announced = 0;
  let sizeBytes = 0;
  let crc = 0;
  let chunks: Buffer[] = [];
  for await (const event of stream.events()) {
    watch(event);
    if (event.kind === "start") start = event;
    else if (event.kind === "end") end = event;
    else if (event.kind === "directory") directories.push(Buffer.from(event.path).toString("latin1"));
    else if (event.kind === "progress") doneBytes = event.doneBytes;
    else if (event.kind === "manifest-data") manifest.push(Buffer.from(event.chunk));
    else if (event.kind === "file-begin") {
      path = Buffer.from(event.path).toString("latin1");
      announced = event.sizeBytes;
      [sizeBytes, crc, chunks] = [0, 0, []];
    } else if (event.kind === "file-data") {
      sizeBytes += event.chunk.length;
      crc = crc32c(event.chunk, crc);
      if (keep(path)) chunks.push(Buffer.from(event.chunk));
    } else if (event.kind === "file-end") {
      if (sizeBytes !== announced) throw new Error(`${path}: ${sizeBytes} of ${announced} bytes`);
      files.set(path, { sizeBytes, crc32c: crc, bytes: keep(path) ? Buffer.concat(chunks) : null });
    }
  }
  if (start === null || end === null) throw new Error("the backup has no start or no end");
  return {
    start,
    end,
    files,
    directories,
    manifest: Buffer.concat(manifest),
    doneBytes,
    contents: (wanted) => {
      const bytes = files.get(wanted)?.bytes;
      if (bytes === null || bytes === undefined) throw new Error(`${wanted} was not kept`);
      return bytes;
    },
  };
}
