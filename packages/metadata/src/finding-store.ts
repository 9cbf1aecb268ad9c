import { assertNever, newId } from "@tidemark/kit";
import type { Prisma, PrismaClient } from "./generated/client.ts";
import { type Page, type PageRequest, readPage } from "./page.ts";

/** Worst first: no backup can be taken; WAL does not arrive; something may go wrong; worth knowing. */
export type Severity = "blocks-backup" | "blocks-wal" | "risk" | "note";

export interface FindingRow {
  readonly id: string;
  readonly checkId: string;
  /** The server's or repository's id, or `instance`. */
  readonly subjectId: string;
  readonly serverId: string | null;
  readonly repositoryId: string | null;
  readonly severity: Severity;
  readonly title: string;
  readonly found: string;
  /** The setting, view or function that was read; null for a finding decided from our own rows. */
  readonly read: string | null;
  readonly required: string | null;
  readonly why: string;
  readonly remedy: FindingRemedy | null;
  /** Its check can be asked of the server alone. */
  readonly recheckable: boolean;
  readonly actionLabel: string | null;
  readonly actionPath: string | null;
  readonly firstSeenAt: Date;
  readonly lastSeenAt: Date;
  readonly resolvedAt: Date | null;
}

/** What to paste where: statements, lines for the top of pg_hba.conf, lines of postgresql.conf; and words for the rest. */
export interface FindingRemedy {
  readonly sql?: string | undefined;
  readonly hba?: string | undefined;
  readonly settings?: string | undefined;
  readonly advice?: string | undefined;
  readonly needs?: "reload" | "restart" | undefined;
}

export interface SeenFinding {
  readonly checkId: string;
  readonly severity: Severity;
  readonly title: string;
  readonly found: string;
  readonly read?: string | null;
  readonly required?: string | null;
  readonly why: string;
  readonly remedy?: FindingRemedy | null;
  /** False when left out. */
  readonly recheckable?: boolean;
  readonly actionLabel?: string | null;
  readonly actionPath?: string | null;
}

/** What checks were about. */
export type FindingSubject =
  | { readonly kind: "server"; readonly serverId: string }
  | { readonly kind: "repository"; readonly repositoryId: string }
  | { readonly kind: "instance" };

export interface FindingStore {
  /**
   * What the checks `checked` found about a subject: found ones are opened or brought up to date, open ones of those
   * checks that were not found again are resolved. Findings of other checks are left alone.
   */
  record(
    subject: FindingSubject,
    checked: readonly string[],
    seen: readonly SeenFinding[],
  ): Promise<{ readonly opened: number; readonly resolved: number }>;
  get(id: string): Promise<FindingRow | null>;
  /** Newest first. `open` left out: both. */
  list(
    filter: { readonly serverId?: string | undefined; readonly open?: boolean | undefined },
    page: PageRequest,
  ): Promise<Page<FindingRow>>;
  /** Open ones, worst first then oldest: of these servers, or all (with repositories') when left out. */
  open(serverIds?: readonly string[]): Promise<readonly FindingRow[]>;
  /** Of these servers the open ones, or else the resolved ones: newest first, at most 100 of each server. */
  ofServers(serverIds: readonly string[], open: boolean): Promise<readonly FindingRow[]>;
}

const findingColumns = {
  id: true,
  checkId: true,
  subjectId: true,
  serverId: true,
  repositoryId: true,
  severity: true,
  title: true,
  found: true,
  read: true,
  required: true,
  why: true,
  remedy: true,
  recheckable: true,
  actionLabel: true,
  actionPath: true,
  firstSeenAt: true,
  lastSeenAt: true,
  resolvedAt: true,
} satisfies Prisma.FindingSelect;

const newestFirst = [{ firstSeenAt: "desc" }, { id: "desc" }] satisfies Prisma.FindingOrderByWithRelationInput[];

/** Worst first. */
const severityOrder: readonly Severity[] = ["blocks-backup", "blocks-wal", "risk", "note"];

export function createFindingStore(prisma: PrismaClient): FindingStore {
  return {
    record: (subject, checked, seen) => prisma.$transaction((tx) => recordFindings(tx, subject, checked, seen)),
    get: async (id) => {
      const row = await prisma.finding.findUnique({ where: { id }, select: findingColumns });
      return row === null ? null : toRow(row);
    },
    list: (filter, page) => {
      const where = {
        ...(filter.serverId === undefined ? {} : { serverId: filter.serverId }),
        ...(filter.open === undefined ? {} : { resolvedAt: filter.open ? null : { not: null } }),
      };
      return readPage(
        page,
        {
          count: () => prisma.finding.count({ where }),
          find: (window) => prisma.finding.findMany({ where, ...window, orderBy: newestFirst, select: findingColumns }),
        },
        toRow,
      );
    },
    open: (serverIds) => openFindings(prisma, serverIds),
    ofServers: (serverIds, open) => findingsOfServers(prisma, serverIds, open),
  };
}

/** A limit for each server, so that the many of one leave nothing of another out. */
async function findingsOfServers(
  prisma: PrismaClient,
  serverIds: readonly string[],
  open: boolean,
): Promise<readonly FindingRow[]> {
  const newest = await prisma.$queryRaw<{ id: string }[]>`
    SELECT id FROM (
      SELECT id, row_number() OVER (PARTITION BY server_id ORDER BY first_seen_at DESC, id DESC) AS place
        FROM finding
       WHERE server_id = ANY(${serverIds}::text[]) AND (resolved_at IS NULL) = ${open}) AS placed
     WHERE place <= ${perServerLimit}`;
  const rows = await prisma.finding.findMany({
    where: { id: { in: newest.map(({ id }) => id) } },
    orderBy: newestFirst,
    select: findingColumns,
  });
  return rows.map(toRow);
}

const perServerLimit = 100;

/** Worst first, so that however many notes there are, what blocks backups is never cut off. */
async function openFindings(prisma: PrismaClient, serverIds?: readonly string[]): Promise<readonly FindingRow[]> {
  const of = (severity: Severity) =>
    prisma.finding.findMany({
      where: { resolvedAt: null, severity, ...(serverIds === undefined ? {} : { serverId: { in: [...serverIds] } }) },
      orderBy: [{ firstSeenAt: "asc" }, { id: "asc" }],
      take: openLimit,
      select: findingColumns,
    });
  return (await Promise.all(severityOrder.map(of))).flat().slice(0, openLimit).map(toRow);
}

const openLimit = 500;

/** What was seen is opened or refreshed, what was not seen again is resolved. */
export async function recordFindings(
  tx: Prisma.TransactionClient,
  subject: FindingSubject,
  checked: readonly string[],
  seen: readonly SeenFinding[],
): Promise<{ readonly opened: number; readonly resolved: number }> {
  const { subjectId, serverId, repositoryId } = subjectColumns(subject);
  const seenIds = seen.map((finding) => finding.checkId);
  const rows = JSON.stringify(seen.map((finding) => ({ id: newId("finding"), ...finding })));
  const opened = await tx.$queryRaw<{ isNew: boolean }[]>`
      INSERT INTO finding (id, check_id, subject_id, server_id, repository_id, severity, title, found, read, required,
                           why, remedy, recheckable, action_label, action_path, first_seen_at, last_seen_at)
      SELECT seen.id, seen."checkId", ${subjectId}, ${serverId}, ${repositoryId}, seen.severity, seen.title, seen.found,
             seen.read, seen.required, seen.why, NULLIF(seen.remedy, 'null'::jsonb), COALESCE(seen.recheckable, false),
             seen."actionLabel", seen."actionPath",
             clock_timestamp(), clock_timestamp()
        FROM jsonb_to_recordset(${rows}::jsonb)
               AS seen(id text, "checkId" text, severity text, title text, found text, read text, required text,
                       why text, remedy jsonb, recheckable boolean, "actionLabel" text, "actionPath" text)
      ON CONFLICT (check_id, subject_id) WHERE resolved_at IS NULL DO UPDATE
         SET severity = excluded.severity, title = excluded.title, found = excluded.found,
             read = excluded.read, required = excluded.required, why = excluded.why, remedy = excluded.remedy,
             recheckable = excluded.recheckable,
             action_label = excluded.action_label, action_path = excluded.action_path,
             last_seen_at = excluded.last_seen_at
      RETURNING xmax = 0 AS "isNew"`;
  const resolved = await tx.$executeRaw`
      UPDATE finding SET resolved_at = clock_timestamp()
       WHERE subject_id = ${subjectId} AND resolved_at IS NULL AND check_id = ANY(${checked}::text[])
         AND check_id <> ALL(${seenIds}::text[])`;
  return { opened: opened.filter((row) => row.isNew).length, resolved };
}

interface SubjectColumns {
  readonly subjectId: string;
  readonly serverId: string | null;
  readonly repositoryId: string | null;
}

function subjectColumns(subject: FindingSubject): SubjectColumns {
  switch (subject.kind) {
    case "server":
      return { subjectId: subject.serverId, serverId: subject.serverId, repositoryId: null };
    case "repository":
      return { subjectId: subject.repositoryId, serverId: null, repositoryId: subject.repositoryId };
    case "instance":
      return { subjectId: "instance", serverId: null, repositoryId: null };
    default:
      return assertNever(subject);
  }
}

function toRow(columns: Prisma.FindingGetPayload<{ select: typeof findingColumns }>): FindingRow {
  return {
    ...columns,
    severity: columns.severity as Severity,
    remedy: columns.remedy as unknown as FindingRemedy | null,
  };
}
