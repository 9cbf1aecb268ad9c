import type { Page } from "@tidemark/metadata";
import { z } from "zod";
import type { Services } from "../services.ts";
import type { ActOutcome } from "../use-cases/perform.ts";
import { requireRun } from "../use-cases/requirements.ts";
import { wholeResult } from "../use-cases/run-result.ts";
import type { RestAnswer } from "./operation.ts";
import { representRun } from "./represent.ts";

export const apiRoot = "/api/v1";

/** Cursor pages: `limit` from 1 to 100; the stores refuse others with page-size-out-of-range. */
export const PageQuery = z.object({
  limit: z.coerce.number().int().optional().describe("1 to 100; 50 when left out."),
  after: z.string().optional().describe("`nextCursor` of the page before."),
});

export function pageRequest(query: z.output<typeof PageQuery>) {
  return { first: query.limit ?? 50, after: query.after };
}

/** The page as a document, the next one linked (RFC 8288). */
export function pageAnswer<Row>(
  path: string,
  query: Readonly<Record<string, unknown>>,
  page: Page<Row>,
  items: readonly unknown[],
): RestAnswer {
  const nextCursor = page.hasNextPage ? (page.cursors.at(-1) ?? null) : null;
  const body = { items, nextCursor, totalCount: page.totalCount };
  if (nextCursor === null) return { status: 200, body };
  const next = new URLSearchParams();
  for (const [name, value] of Object.entries({ ...query, after: nextCursor })) {
    for (const one of Array.isArray(value) ? value : [value]) if (one !== undefined) next.append(name, String(one));
  }
  return { status: 200, body, headers: { link: `<${apiRoot}${path}?${next}>; rel="next"` } };
}

/** The answer of an act, or its error thrown for the problem document. */
export function answerOf<Answer>(outcome: ActOutcome<Answer>): Answer {
  if (outcome.ok) return outcome.answer;
  throw outcome.error;
}

/** 202 with the run and where to follow it, for who was allowed to ask for it. */
export async function accepted(services: Services, runId: string): Promise<RestAnswer> {
  const run = await requireRun(services, runId);
  return {
    status: 202,
    body: representRun(run, services.clock.now(), wholeResult(run, "full")),
    headers: { location: `${apiRoot}/runs/${run.id}` },
  };
}
