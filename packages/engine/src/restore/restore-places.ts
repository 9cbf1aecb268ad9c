import { isAbsolute } from "node:path";
import { AppError } from "@tidemark/kit";

/** A tablespace and the folder it is restored to. */
export interface TablespacePlace {
  readonly oid: number;
  /** Where it was on the server. */
  readonly from: string;
  readonly to: string;
}

/** Where the files of a backup go. Paths are bytes: names of a server need not be UTF-8. */
export class RestorePlaces {
  readonly #root: Buffer;
  readonly #tablespaces: ReadonlyMap<string, Buffer>;
  readonly #keepSignalFiles: boolean;

  constructor(targetDirectory: string, tablespaces: readonly TablespacePlace[], keepSignalFiles: boolean) {
    if (!isAbsolute(targetDirectory))
      throw new AppError("bad-request", { message: `${targetDirectory} is not an absolute path` });
    this.#root = Buffer.from(`${targetDirectory}/`);
    this.#tablespaces = new Map(tablespaces.map(({ oid, to }) => [String(oid), Buffer.from(`${to}/`)]));
    this.#keepSignalFiles = keepSignalFiles;
  }

  /** The absolute path of a manifest entry, or null for what is never restored. Throws `manifest-damaged` for a path that leaves its place. */
  of(path: Uint8Array): Buffer | null {
    const text = Buffer.from(path).toString("latin1");
    if (
      text === "" ||
      text.startsWith("/") ||
      text.includes("\0") ||
      text.split("/").some((part) => part === ".." || part === "")
    ) {
      throw new AppError("manifest-damaged", {
        message: `the manifest names the path "${text}", which leads out of the data directory`,
      });
    }
    if (neverRestored.has(text)) return null;
    if (signalFiles.has(text) && !this.#keepSignalFiles) return null;
    const inTablespace = /^pg_tblspc\/([0-9]+)(?:\/|$)/.exec(text);
    const tablespace = inTablespace === null ? undefined : this.#tablespaces.get(inTablespace[1] ?? "");
    if (inTablespace === null || tablespace === undefined) return Buffer.concat([this.#root, path]);
    return Buffer.concat([tablespace, path.subarray(Math.min(path.length, inTablespace[0].length))]);
  }

  /** As `of`, for a place known to be restored. */
  below(path: string): Buffer {
    return Buffer.concat([this.#root, Buffer.from(path)]);
  }
}

/** Its final name is given last; until then no server starts here. */
export const controlPath = "global/pg_control";
export const stagedControlPath = "global/pg_control.tidemark";
export const tablespaceMapPath = "tablespace_map";
/** Stays in a data directory that was restored with some of its databases only, and says so. */
export const partialRestorePath = "TIDEMARK_PARTIAL_RESTORE";

/** Traces of the source's running server; the server leaves them out of a backup, and so do we whatever it sends. */
const neverRestored: ReadonlySet<string> = new Set([
  "postmaster.pid",
  "postmaster.opts",
  "backup_manifest",
  ".tidemark-restoring",
  stagedControlPath,
]);
/** They would make a restored standby a standby again, of a primary that is not its own any more. */
const signalFiles: ReadonlySet<string> = new Set(["standby.signal", "recovery.signal"]);
