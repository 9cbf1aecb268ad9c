import { AppError } from "@tidemark/kit";
import { type PgControl, parsePgControl } from "@tidemark/postgres";
import type { ClusterFiles } from "./cluster-files.ts";
import { controlFile } from "./walk-tree.ts";

export interface ControlFile {
  readonly bytes: Uint8Array;
  readonly control: PgControl;
}

/**
 * `global/pg_control` as it is now. The server may be writing it: then its CRC does not match, and it is read again
 * (src/common/controldata_utils.c does likewise).
 *
 * @throws AppError `backup-stream-damaged`, `cluster-missing`.
 */
export async function readControl(files: ClusterFiles): Promise<ControlFile> {
  for (let attempt = 1; ; attempt++) {
    const bytes = await files.read(controlFile, 0, controlFileBytes);
    if (bytes === null) {
      throw new AppError("cluster-missing", {
        message: `there is no ${controlFile} where the cluster should be`,
        hint: "give the data directory of the server as this machine sees it, or read the files over SQL",
      });
    }
    try {
      return { bytes, control: parsePgControl(bytes) };
    } catch (error) {
      if (attempt === attempts) throw error;
    }
  }
}

/** PG_CONTROL_FILE_SIZE (src/include/catalog/pg_control.h). */
const controlFileBytes = 8192;
const attempts = 10;
