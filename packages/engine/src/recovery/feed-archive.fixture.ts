import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { AppError, systemErrorCode } from "@tidemark/kit";
import type { WalSegmentPlace } from "@tidemark/repository";
import type { WalSource } from "./recovery-feed.ts";

/** For tests: a folder of plain WAL files as what a feed reads from. */
export class FolderArchive implements WalSource {
  readonly folder: string;
  /** Names in the order in which they were read. */
  readonly reads: string[] = [];
  /** Thrown in place of an answer. */
  trouble: (name: string) => AppError | null = () => null;
  part: Awaited<ReturnType<WalSource["partialOf"]>> = null;

  constructor(folder: string) {
    this.folder = folder;
  }

  async *read(name: string): AsyncGenerator<Uint8Array> {
    this.reads.push(name);
    const trouble = this.trouble(name);
    if (trouble !== null) throw trouble;
    const path = join(this.folder, name);
    try {
      await (await open(path)).close();
    } catch (error) {
      if (systemErrorCode(error) !== "ENOENT") throw error;
      throw new AppError("wal-missing", { message: `${name} is not in the archive` });
    }
    yield* createReadStream(path);
  }

  async partialOf({ startLsn }: WalSegmentPlace): ReturnType<WalSource["partialOf"]> {
    return this.part?.place.startLsn === startLsn ? this.part : null;
  }
}
