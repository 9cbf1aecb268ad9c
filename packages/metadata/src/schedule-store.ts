import type { Page, PageRequest } from "./page.ts";

export const scheduleKinds = ["backup", "verify", "retention", "drill"] as const;
export type ScheduleKind = (typeof scheduleKinds)[number];

export interface ScheduleRow {
  readonly id: string;
  readonly serverId: string;
  readonly kind: ScheduleKind;
  readonly cron: string;
  readonly zone: string;
  readonly enabled: boolean;
  /** The cron time that last made a run; null when none has. */
  readonly lastFiredAt: Date | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export interface NewSchedule {
  readonly serverId: string;
  readonly kind: ScheduleKind;
  readonly cron: string;
  readonly zone: string;
  readonly enabled?: boolean;
}

export interface ScheduleStore {
  /** One per server and kind: makes it or changes it. Throws `not-found` for an unknown server. */
  set(schedule: NewSchedule): Promise<ScheduleRow>;
  get(id: string): Promise<ScheduleRow | null>;
  getMany(ids: readonly string[]): Promise<readonly ScheduleRow[]>;
  ofServers(serverIds: readonly string[]): Promise<readonly ScheduleRow[]>;
  list(filter: { readonly serverId?: string | undefined }, page: PageRequest): Promise<Page<ScheduleRow>>;
  /** Every enabled one of a registered server: what the queue's schedulers must equal. */
  enabled(): Promise<readonly ScheduleRow[]>;
  /** Moves `lastFiredAt` forward, never back. */
  recordFired(id: string, at: Date): Promise<void>;
  /** False when there was none. */
  remove(id: string): Promise<boolean>;
}
