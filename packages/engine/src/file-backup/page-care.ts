import {
  inspectPages,
  type PageInspection,
  type PageLayout,
  passingInspectionOf,
  wrongTwice,
} from "../backup/page-inspection.ts";
import { findYoungRuns, type YoungRun } from "../backup/young-pages.ts";
import { type ClusterFiles, pathBytes } from "./cluster-files.ts";

/** Checks the pages of ranges that this thread reads, and reads once more what does not match (`wrongTwice`). */
export class PageCare {
  readonly #files: ClusterFiles;
  readonly #layout: CheckedLayout;
  readonly #startLsn: bigint;

  constructor(files: ClusterFiles, layout: CheckedLayout, startLsn: bigint) {
    this.#files = files;
    this.#layout = layout;
    this.#startLsn = startLsn;
  }

  /** What whoever reads a file himself needs for the same; null for a file that has no pages. */
  inspectionOf(path: string): PageInspection | null {
    const findsYoung = this.#layout.major >= 17;
    return passingInspectionOf(pathBytes(path), this.#layout, this.#startLsn, { findsYoung });
  }

  /**
   * Numbers, within the relation, of suspect pages, and the runs of young ones; `bytes` gets the second reading of pages
   * that were torn in the first. `offset` is where in the file they begin, a multiple of the block size.
   */
  async check(path: string, bytes: Uint8Array, offset: number): Promise<readonly (number | YoungRun)[]> {
    const inspection = this.inspectionOf(path);
    if (inspection === null) return [];
    const suspects = await this.#suspects(inspection, path, bytes, offset);
    const young = inspection.findsYoung === true ? findYoungRuns(bytes, inspection, offset) : [];
    return [...suspects, ...young];
  }

  async #suspects(
    inspection: PageInspection,
    path: string,
    bytes: Uint8Array,
    offset: number,
  ): Promise<readonly number[]> {
    const wrong = inspection.skipsChecksums === true ? [] : inspectPages(bytes, inspection, offset);
    if (wrong.length === 0) return [];
    const again = await this.#files.read(path, offset, bytes.length);
    return wrongTwice(bytes, again ?? new Uint8Array(0), wrong, inspection, offset);
  }
}

type CheckedLayout = PageLayout & { readonly checksumsEnabled: boolean; readonly major: number };
