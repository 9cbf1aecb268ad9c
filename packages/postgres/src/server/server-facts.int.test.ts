import { readFile } from "node:fs/promises";
import { systemClock } from "@tidemark/kit";
import { majors } from "@tidemark/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseDsn } from "../connection/dsn.ts";
import { ReplicationSession } from "../session/replication-session.ts";
import type { Asker } from "./asker.ts";
import { readAskingRole } from "./asking-role.ts";
import { readDatabaseSizes, readDatabasesSize } from "./databases-size.ts";
import {
  asking,
  caughtUp,
  changeSettings,
  type FactServers,
  factServers,
  makeFactRoles,
  recording,
} from "./fact-servers.fixture.ts";
import { functionNames } from "./function-names.ts";
import { inspectServer } from "./inspect-server.ts";
import { readServerInfo } from "./server-info.ts";
import { readSetting, readSettings } from "./settings.ts";
import { parseSynchronousStandbyNames, readSynchronousStandbys } from "./synchronous-standbys.ts";
import { readTablespaces } from "./tablespaces.ts";

const mib = 1 << 20;
const clock = systemClock;
const hiddenFromPlain = ["configurationFiles", "info", "recovery", "replication"];
/** Whether it calls a function that looks at files for a size, or lists directories; names in quotes are only names. */
function asksForSizes(text: string): boolean {
  return /pg_\w*(?:_size|ls_\w+|stat_file)\s*\(/.test(text.replace(/'[^']*'/g, "''"));
}

describe.each(majors)("facts of PostgreSQL %i", (major) => {
  let servers: FactServers;

  beforeAll(async () => {
    servers = await factServers({ major });
    await makeFactRoles(servers.primary);
    await caughtUp(servers);
  });

  afterAll(async () => {
    await servers?.[Symbol.asyncDispose]();
  });

  it("tells what it is, as a primary and as a standby", async () => {
    const { primary, standby } = servers;
    const info = await asking(primary, (session) => readServerInfo(session, { clock }));
    const [raw] = await primary.query<Record<string, string>>(
      `SELECT system_identifier::text AS system, current_setting('server_version') AS version,
              (extract(epoch FROM pg_postmaster_start_time()) * 1000)::bigint::text AS started,
              current_setting('log_timezone') AS zone
         FROM pg_control_system()`,
    );
    expect(info).toMatchObject({
      major,
      versionNum: primary.major * 10_000 + Number(raw?.version?.split(".")[1]),
      versionText: raw?.version,
      systemIdentifier: BigInt(raw?.system ?? 0),
      inRecovery: false,
      isSuperuser: true,
      dataChecksums: true,
      walLevel: "replica",
      walSegmentSizeBytes: mib,
      blockSizeBytes: 8192,
      walBlockSizeBytes: 8192,
      relationSegmentSizeBytes: 1 << 30,
      summarizeWal: major >= 17 ? false : null,
      trackCommitTimestamp: false,
      fips: null,
      dataDirectory: primary.dataDir,
      dataDirectoryMode: 0o700,
      archiveTimeoutSeconds: 0,
      checkpointTimeoutSeconds: 300,
      timeZone: raw?.zone,
      maxWalSenders: 8,
      usedWalSenders: 1,
      maxReplicationSlots: 8,
      usedReplicationSlots: 0,
    });
    expect(Math.abs(info.startedAt.getTime() - Number(raw?.started))).toBeLessThanOrEqual(1);
    expect(info.configurationLoadedAt.getTime()).toBeLessThanOrEqual(Date.now());
    expect(Math.abs(info.clockDifferenceMs)).toBeLessThanOrEqual(info.clockUncertaintyMs + 1);
    const other = await asking(standby, (session) => readServerInfo(session, { clock }));
    expect(other).toMatchObject({ inRecovery: true, systemIdentifier: info.systemIdentifier, usedWalSenders: 0 });
  });

  it("measures the clock from the middle of the question", async () => {
    const late = { now: () => new Date(Date.now() - 3_600_000), monotonicMs: () => performance.now() };
    const info = await asking(servers.primary, (session) => readServerInfo(session, { clock: late }));
    expect(Math.abs(info.clockDifferenceMs - 3_600_000)).toBeLessThanOrEqual(info.clockUncertaintyMs + 1);
  });

  it.each([
    ["postgres", []],
    ["monitor", []],
    ["wal", []],
    // Release notes of 15: membership alone no longer gives the rights of the predefined roles.
    ["noinherit", major <= 14 ? [] : hiddenFromPlain],
    ["minimal", hiddenFromPlain],
    ["plain", hiddenFromPlain],
  ])("is inspected by the role %s, primary and standby, without a refusal", async (user, hidden) => {
    for (const server of [servers.primary, servers.standby]) {
      const logged = (await readFile(server.cluster.logPath)).length;
      const inspection = await asking(server, (session) => inspectServer(session, { clock }), user);
      expect([...new Set(inspection.unreadable.map(({ section }) => section))].sort()).toEqual(hidden);
      const isPlain = hidden.length > 0;
      expect(inspection.configurationFiles === null).toBe(isPlain);
      expect(inspection.info.dataDirectory).toBe(isPlain ? null : server.dataDir);
      expect(inspection.validity).toEqual({ valid: true, reasons: [] });
      expect(inspection.info.systemIdentifier).not.toBeNull();
      expect(inspection.extensions).toEqual([
        { name: "plpgsql", version: "1.0", comment: "PL/pgSQL procedural language" },
      ]);
      expect(inspection.recovery === null).toBe(server === servers.primary);
      expect(inspection.wal?.fileName === null).toBe(server === servers.standby);
      const kinds = server === servers.standby ? [] : isPlain ? ["unknown"] : ["standby"];
      expect(inspection.replication?.map(({ kind }) => kind)).toEqual(kinds);
      expect((await readFile(server.cluster.logPath, "utf8")).slice(logged)).not.toMatch(/ERROR|FATAL/);
    }
  });

  it("does without what was taken away from everybody", async () => {
    const { primary } = servers;
    await primary.query("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC");
    try {
      const inspection = await asking(primary, (session) => inspectServer(session, { clock }), "monitor");
      expect(inspection.info.systemIdentifier).toBeNull();
      expect(inspection.unreadable).toMatchObject([{ section: "info", code: "privilege-missing" }]);
    } finally {
      await primary.query("GRANT EXECUTE ON FUNCTION pg_control_system() TO PUBLIC");
    }
    await primary.query("REVOKE SELECT ON pg_stat_archiver FROM PUBLIC");
    try {
      const inspection = await asking(primary, (session) => inspectServer(session, { clock }), "monitor");
      expect(inspection.archiver).toBeNull();
      expect(inspection.slots).toEqual([]);
      expect(inspection.unreadable).toMatchObject([{ section: "archiver", code: "privilege-missing" }]);
    } finally {
      await primary.query("GRANT SELECT ON pg_stat_archiver TO PUBLIC");
    }
  });

  it("throws what is not a missing privilege", async () => {
    const { primary } = servers;
    await asking(
      primary,
      async (session) => {
        const { asker, texts } = recording(session);
        const dying: Asker = {
          query: async (text, parameters, options) => {
            if (texts.length === 4)
              await primary.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'plain'");
            return await asker.query(text, parameters, options);
          },
        };
        await expect(inspectServer(dying, { clock })).rejects.toMatchObject({
          code: expect.stringMatching(/lost|shutting/),
        });
      },
      "plain",
    );
    const cancelled = { clock, signal: AbortSignal.abort() };
    await expect(asking(primary, (session) => inspectServer(session, cancelled))).rejects.toMatchObject({
      code: "cancelled",
    });
  });

  it("is inspected with few statements, none of which asks for a size, however many databases there are", async () => {
    const count = async (): Promise<number> =>
      await asking(servers.primary, async (session) => {
        const { asker, texts } = recording(session);
        await inspectServer(asker, { clock });
        expect(texts.filter(asksForSizes)).toEqual([]);
        return texts.length;
      });
    const before = await count();
    expect(before).toBeLessThanOrEqual(11);
    for (const name of ["many_1", "many_2", "many_3"]) await servers.primary.query(`CREATE DATABASE ${name}`);
    expect(await count()).toBe(before);
    // What the test would catch.
    await asking(servers.primary, async (session) => {
      const { asker, texts } = recording(session);
      await readDatabasesSize(asker);
      expect(texts.some(asksForSizes)).toBe(true);
    });
  });

  it("reads any setting as SHOW prints it, and hides passwords", async () => {
    const { primary, standby } = servers;
    await asking(primary, async (session) => {
      const [{ count } = { count: 0 }] = await session.query<{ count: number }>(
        "SELECT count(*)::int4 AS count FROM pg_settings",
      );
      expect((await readSettings(session, null)).settings).toHaveLength(count);
      await session.query("SELECT set_config('my.own', 'mine', false), set_config('my.jwt_secret', 'hush', false)");
      const { settings, missing } = await readSettings(session, [
        "WORK_MEM",
        "no_such",
        "role",
        "my.own",
        "my.jwt_secret",
        "data_directory",
      ]);
      expect(missing).toEqual(["no_such"]);
      expect(settings.map(({ name, value }) => `${name}=${value}`).sort()).toEqual(
        [
          `data_directory=${primary.dataDir}`,
          "my.jwt_secret=[secret]",
          "my.own=mine",
          "role=none",
          "work_mem=4MB",
        ].sort(),
      );
      expect(settings.find(({ name }) => name === "work_mem")).toMatchObject({
        rawValue: "4096",
        unit: "kB",
        type: "integer",
        source: "default",
        context: "user",
        pendingRestart: false,
      });
    });
    expect(
      await asking(primary, (session) => readSettings(session, ["data_directory", "port"]), "plain"),
    ).toMatchObject({
      settings: [{ name: "port", value: String(primary.port), sourceFile: null }],
      missing: ["data_directory"],
    });
    await changeSettings(primary, { max_connections: "33" });
    expect(await asking(primary, (session) => readSetting(session, "max_connections"))).toMatchObject({
      pendingRestart: true,
    });
    await primary.query("ALTER SYSTEM RESET max_connections");
    const conninfo = await asking(standby, (session) => readSetting(session, "primary_conninfo"));
    expect(conninfo?.value).toContain("password=[secret]");
    expect(JSON.stringify(conninfo)).not.toContain(primary.password);
    expect(conninfo?.sourceFile).toBe(`${standby.dataDir}/postgresql.auto.conf`);
  });

  it("understands synchronous_standby_names exactly where the server does", async () => {
    const client = await servers.primary.client();
    const accepts = async (text: string): Promise<boolean> =>
      await client.query(`ALTER SYSTEM SET synchronous_standby_names = ${client.escapeLiteral(text)}`).then(
        () => true,
        () => false,
      );
    try {
      for (const text of grammarTexts()) {
        let isUnderstood = true;
        try {
          parseSynchronousStandbyNames(text);
        } catch {
          isUnderstood = false;
        }
        expect(`${text}: ${isUnderstood}`).toBe(`${text}: ${await accepts(text)}`);
      }
    } finally {
      await client.query("ALTER SYSTEM RESET synchronous_standby_names");
      await client.end();
    }
    expect(await asking(servers.primary, readSynchronousStandbys)).toMatchObject({
      method: "none",
      count: 0,
      names: [],
    });
  });

  it("has every function and column by the name we know it by", async () => {
    const { sentLsn, writeLsn, flushLsn, replayLsn, walDirectory, ...functions } = functionNames(major);
    const names = Object.values(functions);
    const found = await servers.primary.query<{ name: string }>(
      "SELECT DISTINCT proname AS name FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace AND proname = ANY ($1)",
      [names],
    );
    expect(found.map(({ name }) => name).sort()).toEqual([...names].sort());
    await servers.primary.query(`SELECT ${sentLsn}, ${writeLsn}, ${flushLsn}, ${replayLsn} FROM pg_stat_replication`);
    await servers.primary.query(`SELECT count(*) FROM pg_ls_dir('${walDirectory}')`);
  });

  it("sums the databases for those who may ask, and knows for whom not", async () => {
    const { primary } = servers;
    const total = await asking(primary, (session) => readDatabasesSize(session));
    expect(total).toBeGreaterThan(5_000_000n);
    await primary.query("REVOKE CONNECT ON DATABASE many_1 FROM PUBLIC");
    expect(await asking(primary, (session) => readDatabasesSize(session), "plain")).toBeNull();
    const sizes = await asking(primary, (session) => readDatabaseSizes(session), "plain");
    expect(sizes.filter(({ sizeBytes }) => sizeBytes === null).map(({ name }) => name)).toEqual(["many_1"]);
    expect(await asking(primary, (session) => readDatabasesSize(session), "monitor")).toBe(total);
  });

  it("knows the identity the replication protocol gives", async () => {
    const replication = await ReplicationSession.connect(parseDsn(servers.primary.dsn()));
    const identity = await replication.identifySystem();
    await replication.close();
    const info = await asking(servers.primary, (session) => readServerInfo(session, { clock }), "plain");
    expect(info.systemIdentifier).toBe(identity.systemIdentifier);
    expect(await asking(servers.primary, readAskingRole, "reader")).toMatchObject({
      name: "reader",
      isSuperuser: false,
      readsAllSettings: true,
      readsAllStats: false,
      readsServerFiles: false,
      readsBinaryFiles: true,
      statsFiles: true,
      listsDirectories: true,
      readsFileSettings: false,
      readsHbaRules: false,
    });
  });

  // Last: replay of CREATE TABLESPACE on the same machine would use the same folder.
  it("finds tablespaces inside and outside the data directory, and FIPS through pgcrypto", async () => {
    const { primary, standby } = servers;
    await standby.stop();
    const outside = await primary.createTablespace("outside");
    await primary.createTablespace("inside_home");
    const inside = `${primary.dataDir}/inside`;
    await primary.query(`COPY (SELECT 1) TO PROGRAM 'mkdir "${inside}"'`);
    await primary.query(`CREATE TABLESPACE inside LOCATION '${inside}'`);
    const found = await asking(primary, readTablespaces, "monitor");
    expect(found).toMatchObject([
      { name: "outside", path: outside, insideDataDirectory: false },
      { name: "inside_home", insideDataDirectory: false },
      { name: "inside", path: inside, insideDataDirectory: true },
    ]);
    expect((await asking(primary, readTablespaces, "plain")).map((it) => it.insideDataDirectory)).toEqual([
      null,
      null,
      null,
    ]);
    await primary.query("DROP TABLESPACE inside");
    await primary.query('CREATE SCHEMA "the ""crypto"""');
    await primary.query('CREATE EXTENSION pgcrypto SCHEMA "the ""crypto"""');
    const fips = async (user: string) =>
      (await asking(primary, (session) => readServerInfo(session, { clock }), user)).fips;
    expect(await fips("postgres")).toBe(major >= 18 ? false : null);
    expect(await fips("plain")).toBeNull();
    await primary.query('GRANT USAGE ON SCHEMA "the ""crypto""" TO plain');
    expect(await fips("plain")).toBe(major >= 18 ? false : null);
  });
});

/** Texts of the grammar and near it; ALTER SYSTEM allows no newline. Pieces are joined by a fixed pseudo-random walk. */
function grammarTexts(): string[] {
  const texts = [
    "",
    " ",
    "a",
    "*",
    "1",
    "1 (2)",
    "2 (a, b)",
    "ANY 2 (a,b)",
    "first 1(*)",
    "ANY",
    "0 (a)",
    "a b",
    '"a""b"',
    "1a",
    "a-b",
    "$a",
    "ä",
  ];
  const pieces = [
    "a",
    "b$1",
    "ANY",
    "First",
    "any ",
    "first ",
    "2",
    " 3 ",
    "0",
    "(",
    ")",
    "(a)",
    "(a, b)",
    ",",
    '"x y"',
    '""',
    '"',
    "*",
    " ",
    "\t",
    "é",
    "-",
    "_",
  ];
  let seed = 4_711;
  const next = (below: number): number => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed % below;
  };
  for (let index = 0; index < 250; index++) {
    texts.push(Array.from({ length: 1 + next(6) }, () => pieces[next(pieces.length)]).join(""));
  }
  return texts;
}
