import type { Page, PageRequest } from "./page.ts";

export type Severity = "blocks-backup" | "risk" | "note";

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
  readonly required: string | null;
  readonly why: string;
  readonly remedy: FindingRemedy | null;
  readonly actionLabel: string | null;
  readonly actionPath: string | null;
  readonly firstSeenAt: Date;
  readonly lastSeenAt: Date;
  readonly resolvedAt: Date | null;
}

export interface FindingRemedy {
  readonly sql?: string | undefined;
  readonly hba?: string | undefined;
  readonly settings?: string | undefined;
  readonly needs?: string | undefined;
}

export interface SeenFinding {
  readonly checkId: string;
  readonly severity: Severity;
  readonly title: string;
  readonly found: string;
  readonly required?: string | null;
  readonly why: string;
  readonly remedy?: FindingRemedy | null;
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
  /** Open and resolved of a server, newest first, at most 500. */
  ofServers(serverIds: readonly string[], open: boolean): Promise<readonly FindingRow[]>;
}
