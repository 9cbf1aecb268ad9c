import { formatLsn, type Lsn } from "@tidemark/postgres";
import type { TrustFinding } from "@tidemark/repository";
import type { ActControl } from "../act.ts";

/** A page that differs from what is stored at its place although both are older than the parent's start. */
export interface PageDifference {
  /** Number within the relation. */
  readonly block: number;
  /** pd_lsn of the page as it is stored and as the server sent it now. */
  readonly storedLsn: bigint;
  readonly serverLsn: bigint;
  /** Whether the server sent zeros: what a page is that was added and not yet used, after the relation had shrunk. */
  readonly isZero: boolean;
}

/**
 * Tells which of these blocks (numbers within the relation) the WAL summaries of the interval name, or lie at or beyond a
 * limit block they give: those changed in order.
 */
export type NamedBlocks = (path: string, blocks: readonly number[]) => Promise<ReadonlySet<number>>;

/**
 * Gathers pages that no WAL explains, up to a bound, and says so at the end of the copy: only then the summaries of the
 * whole interval can be asked.
 */
export class TrustFindings {
  readonly #control: ActControl;
  readonly #files: { readonly path: string; readonly pages: readonly PageDifference[] }[] = [];
  #count = 0;

  constructor(control: ActControl) {
    this.#control = control;
  }

  get isEmpty(): boolean {
    return this.#files.length === 0;
  }

  /** Takes the pages of one file, once for each file. */
  add(path: string, pages: readonly PageDifference[]): void {
    const room = Math.max(0, pagesListed - this.#count);
    this.#count += pages.length;
    if (room > 0 && pages.length > 0) this.#files.push({ path, pages: pages.slice(0, room) });
  }

  /** `named` null: the summaries cannot be asked; then a page of zeros, which may be in order, is not held against anyone. */
  async settle(named: NamedBlocks | null): Promise<readonly TrustFinding[]> {
    const findings: TrustFinding[] = [];
    for (const { path, pages } of this.#files) {
      const explained = await named?.(path, pages.map(({ block }) => block)); // biome-ignore format: one question
      const left = pages.filter(({ block, isZero }) => (explained === undefined ? !isZero : !explained.has(block)));
      if (left.length > 0) findings.push(...this.#report(path, left));
    }
    return findings;
  }

  #report(path: string, pages: readonly PageDifference[]): readonly TrustFinding[] {
    const findings = (["stored", "server", "neither"] as const).flatMap((older) => {
      const blocks = pages.filter((page) => olderSide(page) === older).map(({ block }) => block);
      return blocks.length === 0 ? [] : [{ path, blocks, older }];
    });
    for (const { blocks, older } of findings) {
      const list = `${blocks.slice(0, 5).join(", ")}${blocks.length > 5 ? ", …" : ""}`;
      const lsn = formatLsn((pages.find(({ block }) => block === blocks[0])?.serverLsn ?? 0n) as Lsn);
      this.#control.emit({
        kind: "log",
        level: "warning",
        message: `${blocks.length} ${blocks.length === 1 ? "page" : "pages"} of ${path} (block ${list}) ${blocks.length === 1 ? "differs" : "differ"} from what the last backup stored, and no WAL since then explains it: ${sentences[older]} (LSN ${lsn}). This backup holds the pages as the server has them now`,
      });
    }
    return findings;
  }
}

function olderSide({ storedLsn, serverLsn }: PageDifference): TrustFinding["older"] {
  if (storedLsn === serverLsn) return "neither";
  return storedLsn < serverLsn ? "stored" : "server";
}

const sentences: Readonly<Record<TrustFinding["older"], string>> = {
  stored: "the stored page is the older one, so its change was missed",
  server: "the server's page is the older one, so a write was lost there",
  neither: "both are of the same age, so one of them was damaged at rest",
};

/** As with suspect pages: a cluster with more is wrong throughout. */
const pagesListed = 10_000;
