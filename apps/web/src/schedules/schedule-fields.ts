import { graphql, type ResultOf } from "#graphql/graphql.ts";

export const ScheduleFields = graphql(`
  fragment ScheduleFields on Schedule {
    id
    kind
    cron
    zone
    enabled
    sentence
    nextTimes(count: 5)
    lastRun {
      id
      state
      finishedAt
    }
  }
`);

export type Schedule = ResultOf<typeof ScheduleFields>;
export type ScheduleKind = Schedule["kind"];

export const scheduleKinds: readonly {
  readonly kind: ScheduleKind;
  readonly title: string;
  readonly why: string;
  readonly usual: string;
}[] = [
  { kind: "BACKUP", title: "Backup", why: "Takes a backup.", usual: "0 2 * * *" },
  {
    kind: "DRILL",
    title: "Drill",
    why: "Restores the newest backup, starts it, checks it, throws it away. Makes it proven.",
    usual: "0 4 * * 0",
  },
  {
    kind: "VERIFY",
    title: "Verification",
    why: "Reads the newest backup back and compares every byte.",
    usual: "0 5 * * 0",
  },
  {
    kind: "RETENTION",
    title: "Retention",
    why: "Deletes the backups that the policy no longer keeps.",
    usual: "30 3 * * *",
  },
];
