import { noRules, type RetentionDraft } from "#retention/retention-draft.ts";
import { noTargets, type TargetDraft } from "#retention/target-draft.ts";

/** What the steps of "Add server" have gathered so far. */
export interface ServerDraft {
  readonly name: string;
  readonly dsn: string;
  readonly sameSystemAs: "MEMBER" | "COPY" | null;
  readonly repositoryId: string;
  readonly retention: RetentionDraft;
  readonly targets: TargetDraft;
  readonly backup: { readonly cron: string; readonly zone: string };
  readonly drill: boolean;
}

/** A good start for a server nobody has thought about yet: two weeks, at least seven backups, a drill each week. */
export function startingDraft(repositoryId: string, zone: string): ServerDraft {
  return {
    name: "",
    dsn: "",
    sameSystemAs: null,
    repositoryId,
    retention: { ...noRules, keepLast: "7", windowDays: "14", minimum: "2", timeZone: zone },
    targets: noTargets,
    backup: { cron: "0 2 * * *", zone },
    drill: true,
  };
}

/** Sunday morning, after the night's backup. */
export const weeklyDrill = "0 4 * * 0";
/** After the night's backup, so that a policy never waits a day for the newest one. */
export const dailyRetention = "30 3 * * *";

/** A name to begin with, from the host of a connection string: `db1.example.com` → `db1`. Null when there is none to read. */
export function suggestName(dsn: string): string | null {
  const host =
    /@\[?([^/:?,\]]+)/.exec(dsn)?.[1] ??
    /\bhost\s*=\s*'?([^\s',]+)/.exec(dsn)?.[1] ??
    /^postgres(?:ql)?:\/\/([^/:?,@]+)/.exec(dsn)?.[1];
  if (host === undefined) return null;
  const address = /^[\d.]+$/.test(host) || host.includes(":");
  const first = address ? host : (host.split(".")[0] ?? "");
  const name = first
    .replaceAll(/[^A-Za-z0-9._-]/g, "-")
    .replace(/^[^A-Za-z0-9]+/, "")
    .slice(0, 63);
  return name === "" ? null : name;
}
