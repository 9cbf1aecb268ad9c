import { AppError } from "@tidemark/kit";

/** A page asked for from one end: exactly one of `first` and `last`, 1 to 100. */
export interface PageRequest {
  readonly first?: number | null | undefined;
  readonly after?: string | null | undefined;
  readonly last?: number | null | undefined;
  readonly before?: string | null | undefined;
}

/** Rows in list order (newest first unless the store says otherwise), `cursors[i]` belonging to `rows[i]`. */
export interface Page<Row> {
  readonly rows: readonly Row[];
  readonly cursors: readonly string[];
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
  /** Rows that match the filter on all pages. */
  readonly totalCount: number;
}

export const largestPage = 100;

/** A checked page request: how many rows, from which end, beyond which row (its id). */
export interface PagePlan {
  readonly take: number;
  readonly fromEnd: boolean;
  readonly beyondId: string | null;
}

/** Throws `page-size-out-of-range` unless exactly one of first/last is given within 1..100, `bad-request` for a cursor that is none of ours. */
export function planPage(request: PageRequest): PagePlan {
  const { first, last } = request;
  const size = first ?? last;
  if (size === null || size === undefined || (first != null && last != null) || !isPageSize(size)) {
    throw new AppError("page-size-out-of-range", {
      message: `a page needs one of "first" and "last", from 1 to ${largestPage}`,
      hint: "ask for the next page with the end cursor of the last one",
    });
  }
  const fromEnd = first === null || first === undefined;
  if ((fromEnd ? request.after : request.before) != null) {
    throw new AppError("bad-request", { message: 'use "first" with "after", or "last" with "before"' });
  }
  const cursor = fromEnd ? request.before : request.after;
  return { take: size, fromEnd, beyondId: cursor == null ? null : readCursor(cursor) };
}

export function writeCursor(id: string): string {
  return Buffer.from(`1:${id}`, "utf8").toString("base64url");
}

function readCursor(cursor: string): string {
  const text = Buffer.from(cursor, "base64url").toString("utf8");
  const match = /^1:([\w.-]{1,64})$/.exec(text);
  if (match?.[1] === undefined) throw new AppError("bad-request", { message: "the cursor is not one of ours" });
  return match[1];
}

function isPageSize(size: number): boolean {
  return Number.isInteger(size) && size >= 1 && size <= largestPage;
}

/** How a store finds the rows of one page; `window` goes into Prisma's findMany as it is. */
export interface PageSource<Found extends { readonly id: string }> {
  count(): Promise<number>;
  find(window: PageWindow): Promise<readonly Found[]>;
}

export interface PageWindow {
  readonly take: number;
  readonly skip?: number;
  readonly cursor?: { readonly id: string };
}

/** Reads a page: one row more than asked tells whether there is another page; a negative take reads from the end. */
export async function readPage<Found extends { readonly id: string }, Row>(
  request: PageRequest,
  source: PageSource<Found>,
  toRow: (found: Found) => Row,
): Promise<Page<Row>> {
  const plan = planPage(request);
  const beyond = plan.beyondId === null ? {} : { cursor: { id: plan.beyondId }, skip: 1 };
  const take = plan.fromEnd ? -(plan.take + 1) : plan.take + 1;
  const [found, totalCount] = await Promise.all([source.find({ take, ...beyond }), source.count()]);
  const more = found.length > plan.take;
  const kept = !more ? found : plan.fromEnd ? found.slice(1) : found.slice(0, plan.take);
  const inside = plan.beyondId !== null;
  return {
    rows: kept.map(toRow),
    cursors: kept.map((row) => writeCursor(row.id)),
    hasNextPage: plan.fromEnd ? inside : more,
    hasPreviousPage: plan.fromEnd ? more : inside,
    totalCount,
  };
}
