import { AppError } from "@tidemark/kit";
import { fakeClock } from "@tidemark/testkit";
import { describe, expect, it } from "vitest";
import { parseDsn } from "../connection/dsn.ts";
import { noLsn } from "../files/lsn.ts";
import type { Asker } from "../server/asker.ts";
import type { CheckContext, CheckResult } from "./check.ts";
import { knownDefects } from "./known-defects.ts";
import { runServerChecks } from "./server-checks.ts";

const now = "2026-11-21T12:00:00Z";

interface Recorded {
  readonly versionNum?: number;
  readonly versionText?: string;
  readonly inRecovery?: boolean;
  /** The server's clock. */
  readonly serverTime?: string;
  /** How long each question takes. */
  readonly delayMs?: number;
  /** Settings and roles only a managed service has. */
  readonly markers?: readonly string[];
  readonly settings?: readonly { name: string; value: string; unit?: string; source?: string; context?: string }[];
  readonly collations?: readonly object[];
}

/** Answers as a server did once; a question nobody recorded fails the test. */
function recorded(answers: Recorded, clock: ReturnType<typeof fakeClock>): Asker {
  const versionNum = answers.versionNum ?? 180_006;
  const asking = {
    versionNum,
    major: Math.floor(versionNum / 10_000),
    database: "postgres",
    name: "tidemark",
    isSuperuser: false,
    hasReplication: true,
    readsAllSettings: true,
    readsAllStats: true,
    readsServerFiles: false,
    readsControl: true,
    readsFileSettings: false,
    readsHbaRules: false,
    readsIdentMappings: false,
    readsBinaryFiles: false,
    readsTextFiles: false,
    statsFiles: false,
    listsDirectories: false,
  };
  const server = {
    version: answers.versionText ?? "18.6",
    in_recovery: answers.inRecovery ?? false,
    now_ms: new Date(answers.serverTime ?? now).getTime(),
  };
  const settings = (answers.settings ?? []).map((setting) => ({
    unit: null,
    source: "default",
    context: "sighup",
    ...setting,
  }));
  const questions: readonly [sign: string, rows: readonly object[]][] = [
    ["readsAllSettings", [asking]],
    ["clock_timestamp", [server]],
    ["starts_with", (answers.markers ?? []).map((name) => ({ name }))],
    ["reset_val", settings],
    ["datcollversion", answers.collations ?? []],
  ];
  return {
    query: async <Row extends object>(text: string): Promise<Row[]> => {
      const known = questions.find(([sign]) => text.includes(sign));
      if (known === undefined) throw new Error(`nobody recorded an answer to ${text}`);
      clock.advance(answers.delayMs ?? 0);
      return known[1] as Row[];
    },
  };
}

async function judge(
  id: string,
  answers: Recorded,
  changes: Partial<CheckContext> = {},
  at: string = now,
): Promise<CheckResult> {
  const clock = fakeClock(at);
  const context: CheckContext = {
    connection: parseDsn("host=127.0.0.1 user=tidemark"),
    opened: { tls: null, fellBack: false },
    replication: null,
    known: {
      serverName: "orders",
      systemIdentifier: null,
      registeredAs: null,
      isOwnSlot: () => false,
      streamsWal: false,
    },
    clock,
    ...changes,
  };
  const [result] = await runServerChecks(recorded(answers, clock), context, [id]);
  if (result === undefined) throw new Error(`${id} gave nothing`);
  return result;
}

const refused: CheckContext["replication"] = {
  ok: false,
  error: new AppError("replication-not-permitted", { message: "must be superuser or replication role" }),
};
const answered: CheckContext["replication"] = {
  ok: true,
  identity: { systemIdentifier: 1n, timeline: 1, flushLsn: noLsn },
};

describe("managed-service", () => {
  it.each([
    ["Amazon RDS or Aurora", ["rds.force_ssl", "rds.logical_replication", "rds_superuser", "rdsadmin"]],
    ["Amazon RDS or Aurora", ["rds_superuser"]],
    ["Google Cloud SQL", ["cloudsql.iam_authentication", "cloudsqlsuperuser"]],
    ["Google AlloyDB", ["alloydb.iam_authentication", "alloydbsuperuser"]],
    ["Azure Database for PostgreSQL", ["azure.extensions", "azure_pg_admin"]],
    ["Neon", ["neon.tenant_id", "neon_superuser"]],
    ["Supabase", ["supabase_admin", "supautils.privileged_role"]],
    ["Aiven", ["avnadmin"]],
    ["DigitalOcean", ["doadmin"]],
  ])("says that %s refuses the replication protocol, and what is possible", async (name, markers) => {
    const result = await judge("managed-service", { markers }, { replication: refused });
    expect(result).toMatchObject({ state: "found", severity: "blocks-backup" });
    expect(result.found).toContain(name);
    expect(result.remedy?.advice).toContain("pg_dump");
    expect(await judge("replication-protocol", { markers }, { replication: refused })).toMatchObject({
      state: "not-asked",
    });
  });

  it("is content where the service lets us replicate, and with a server of one's own", async () => {
    const markers = ["avnadmin"];
    expect(await judge("managed-service", { markers }, { replication: answered })).toMatchObject({ state: "ok" });
    expect(await judge("managed-service", {}, { replication: refused })).toMatchObject({ state: "ok" });
  });

  it("claims nothing when no replication session was tried", async () => {
    expect(await judge("managed-service", { markers: ["rdsadmin"] })).toMatchObject({ state: "not-asked" });
  });
});

describe("version-supported", () => {
  it.each([
    [120_022, "12.22", "pg_upgrade"],
    [96_024, "9.6.24", "pg_upgrade"],
    [190_000, "19.0", "newer Tidemark"],
  ])("refuses %i", async (versionNum, versionText, advice) => {
    const result = await judge("version-supported", { versionNum, versionText });
    expect(result).toMatchObject({ state: "found", severity: "blocks-backup", found: versionText });
    expect(result.remedy?.advice).toContain(advice);
  });

  it("notes a major from the day of its last release on", async () => {
    const answers = { versionNum: 150_020, versionText: "15.20" };
    const before = await judge("version-supported", answers, {}, "2027-11-10T23:59:59Z");
    expect(before).toMatchObject({ state: "ok" });
    const after = await judge("version-supported", answers, {}, "2027-11-11T00:00:00Z");
    expect(after).toMatchObject({ state: "found", severity: "note" });
  });
});

describe("known-backup-defects", () => {
  it.each([
    [170_000, "17.11", 5],
    [170_008, "17.11", 3],
    [170_010, "17.11", 2],
    [180_001, "18.6", 4],
    [180_004, "18.6", 2],
  ])("tells the defects of %i and the minor without them", async (versionNum, target, count) => {
    const result = await judge("known-backup-defects", { versionNum });
    expect(result).toMatchObject({ state: "found", severity: "note", required: `${target} or newer` });
    const settings = [{ name: "summarize_wal", value: "on" }];
    expect(await judge("known-backup-defects", { versionNum, settings })).toMatchObject({ severity: "risk" });
    expect(result.found.match(/release notes of/g)).toHaveLength(count);
    expect(result.remedy).toMatchObject({ needs: "restart" });
  });

  it.each([130_016, 140_024, 150_020, 160_015, 170_011, 180_006, 180_007])("knows none of %i", async (versionNum) => {
    expect(await judge("known-backup-defects", { versionNum })).toMatchObject({ state: "ok" });
  });

  it("cites a source for each", () => {
    for (const { major, fixedIn, source } of knownDefects) expect(source).toBe(`release notes of ${major}.${fixedIn}`);
  });
});

describe("clock-difference", () => {
  it.each([
    ["2026-11-21T12:00:04Z", "ok", "4.0 s ahead"],
    ["2026-11-21T11:59:56Z", "ok", "4.0 s behind"],
    ["2026-11-21T12:00:06Z", "found", "6.0 s ahead"],
    ["2026-11-21T11:58:00Z", "found", "120.0 s behind"],
  ])("judges a server at %s as %s", async (serverTime, state, told) => {
    const result = await judge("clock-difference", { serverTime });
    expect(result).toMatchObject({ state });
    expect(result.found).toContain(told);
  });

  it("does not blame the clock for a slow network", async () => {
    // Two questions of 8 s: the server answered some time in the second, by a clock that is 10 s ahead of its middle.
    const result = await judge("clock-difference", { delayMs: 8_000, serverTime: "2026-11-21T12:00:20Z" });
    expect(result).toMatchObject({ state: "ok", found: "the server's clock is 8.0 s ahead" });
  });
});

describe("collation-versions", () => {
  const mismatch = { kind: "database", recorded: "153.14", actual: "153.120" };

  it("rebuilds what can be rebuilt from this session, and names the databases to go to", async () => {
    const here = await judge("collation-versions", { collations: [{ ...mismatch, name: "postgres" }] });
    expect(here).toMatchObject({ state: "found", severity: "risk" });
    expect(here.remedy?.sql).toBe('REINDEX DATABASE "postgres";\nALTER DATABASE postgres REFRESH COLLATION VERSION;');
    const elsewhere = await judge("collation-versions", { collations: [{ ...mismatch, name: '"Shop"' }] });
    expect(elsewhere.remedy?.sql).toBeUndefined();
    expect(elsewhere.remedy?.advice).toContain('connected to "Shop"');
  });
});

describe("remedies", () => {
  it("say so when the server's command line decides", async () => {
    const settings = [{ name: "fsync", value: "off", source: "command line" }];
    const result = await judge("fsync", { settings });
    expect(result.remedy).toMatchObject({ needs: "restart", advice: expect.stringContaining("fsync=on") });
    expect(result.remedy?.sql).toBeUndefined();
  });

  it("change a setting where it was given", async () => {
    const settings = [{ name: "wal_sender_timeout", value: "5000", unit: "ms", source: "database" }];
    const result = await judge("wal-sender-timeout", { settings });
    expect(result.remedy?.sql).toBe("ALTER DATABASE \"postgres\" SET wal_sender_timeout = '60s';");
  });
});

it("shows no password that stands in a command", async () => {
  const settings = [
    { name: "archive_mode", value: "on" },
    { name: "archive_command", value: "PGPASSWORD=hunter2 push --to postgresql://u:hunter2@h/ %p" },
    { name: "archive_library", value: "" },
  ];
  for (const id of ["archive-command", "archives-twice", "archive-mode"]) {
    for (const streamsWal of [true, false]) {
      const known = { serverName: "x", systemIdentifier: null, registeredAs: null, isOwnSlot: () => false, streamsWal };
      const result = await judge(id, { settings }, { known });
      expect(JSON.stringify(result)).not.toContain("hunter2");
    }
  }
});

it("refuses a check that does not exist, and names those that do", async () => {
  await expect(judge("no-such-check", {})).rejects.toMatchObject({ code: "bad-request" });
});

it("asks no check whose answer the server refuses, and ends with a lost session", async () => {
  const clock = fakeClock(now);
  const asker = recorded({}, clock);
  const failing = (code: "server-error" | "connection-lost"): Asker => ({
    query: async (text) => {
      if (text.includes("reset_val")) throw new AppError(code, { message: "no" });
      return await asker.query(text);
    },
  });
  const context: CheckContext = {
    connection: parseDsn("host=127.0.0.1 user=tidemark"),
    opened: { tls: null, fellBack: false },
    replication: null,
    known: { serverName: "x", systemIdentifier: null, registeredAs: null, isOwnSlot: () => false, streamsWal: false },
    clock,
  };
  const [fsync] = await runServerChecks(failing("server-error"), context, ["fsync"]);
  expect(fsync).toMatchObject({ state: "not-asked", found: "it could not be read: no" });
  await expect(runServerChecks(failing("connection-lost"), context, ["fsync"])).rejects.toMatchObject({
    code: "connection-lost",
  });
});
