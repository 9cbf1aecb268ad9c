import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { AppError, systemClock } from "@tidemark/kit";
import { parseWalSegmentName } from "@tidemark/postgres";
import type { WalEntry } from "@tidemark/repository";
import {
  adoptCluster,
  findHostTool,
  runTool,
  serverFolder,
  type TestServer,
  tempDir,
  testServer,
  waitFor,
} from "@tidemark/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { recoverySteps } from "../act.ts";
import { type EngineRig, engineRig } from "../engine-rig.ts";
import { executeRestore } from "../restore/execute-restore.ts";
import type { RestoreRequest } from "../restore/plan-restore.ts";
import { numbers, type RecordedCommit, RecordedTimeline, rowsOf } from "./recorded-history.fixture.ts";
import type { RecoveryRequest } from "./recovery-request.ts";

const segmentBytes = 1_048_576;

/** A source that archives, follows a primary with a password, waits for a standby, and is limited by its command line. */
describe("a server restored to a point in time", () => {
  let rig: EngineRig;
  let server: TestServer;
  let history: RecordedTimeline;
  let archived: string;
  let archivedNames: readonly string[];
  let count = 0;

  beforeAll(async () => {
    rig = await engineRig();
    archived = await serverFolder(rig.dir, "archived");
    server = await testServer({
      major: 15,
      walSegmentSizeMb: segmentBytes / 1_048_576,
      settings: {
        archive_mode: true,
        archive_command: `cp %p ${archived}/%f`,
        max_connections: 40,
        wal_keep_size: "64MB",
      },
      start: { settings: { max_connections: 70 } },
    });
    await server.query("CREATE TABLE ledger (id integer PRIMARY KEY, body text)");
    const [row] = await server.query<{ id: string }>("SELECT system_identifier::text AS id FROM pg_control_system()");
    history = new RecordedTimeline(server, rig.area.wal(BigInt(row?.id ?? 0)));
    // In the file, and not in force: the source itself needs neither.
    await server.query("ALTER SYSTEM SET primary_conninfo = 'host=127.0.0.1 port=1 user=r password=hunter2'");
    await server.query("ALTER SYSTEM SET primary_slot_name = 'old_slot'");
    await server.query("ALTER SYSTEM SET synchronous_standby_names = 'gone'");
    await history.commit(numbers(1, 4));
    await rig.backup(server.dsn());
    await server.query("ALTER SYSTEM RESET synchronous_standby_names");
    await server.restart({ settings: { max_connections: 90 } });
    await history.commit(numbers(5, 8));
    await server.query("SELECT pg_create_restore_point('twice'), pg_switch_wal()");
    await history.commit(numbers(9, 12));
    await server.query("SELECT pg_create_restore_point('twice'), pg_switch_wal()");
    await history.commit(numbers(13, 16));
    await history.archiveWal();
    await server.stop();
    archivedNames = await readdir(archived);
  });
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    await rig?.[Symbol.asyncDispose]();
  });

  const owner = () => (process.getuid?.() === 0 ? "postgres" : null);
  const how = { timeline: "latest", action: "promote", asStandby: false, wal: "copy", fetch: null } as const;
  function plan(recovery: Pick<RecoveryRequest, "target">, more: Partial<RestoreRequest> = {}) {
    const targetDirectory = rig.dir.join(`restored-${++count}`);
    return rig.plan({ targetDirectory, owner: owner(), recovery: { ...how, ...recovery }, ...more });
  }

  it("leaves its source's places alone, meets the limits the source had later, and keeps no password", async () => {
    const planned = await plan({ target: { kind: "latest" } });
    const report = await rig.restore(planned);
    const { targetDirectory } = planned;
    const auto = await readFile(join(targetDirectory, "postgresql.auto.conf"), "utf8");
    expect(auto).not.toContain("hunter2");
    expect(auto).toContain("max_connections = '90'");
    expect(report.nextSteps.join("\n")).toContain("nothing was replayed yet");
    await agreeWithPgVerifybackup(targetDirectory);
    await using dir = await tempDir("pitr");
    await using restored = await adoptCluster(dir, server, { dataDir: targetDirectory });
    const question = "SELECT pg_is_in_recovery() AS yes";
    await waitFor(async () => (await restored.query<{ yes: boolean }>(question))[0]?.yes === false, {
      what: "its end",
    });
    expect(await rowsOf(restored)).toEqual(numbers(1, 16));
    // It would wait for ever for the standby that is gone.
    await restored.query("INSERT INTO ledger VALUES (100, 'new')");
    await restored.query("SELECT pg_switch_wal()");
    const names = ["archive_mode", "primary_conninfo", "primary_slot_name", "synchronous_standby_names"];
    const settings = await Promise.all(names.map((name) => restored.query(`SELECT current_setting('${name}') AS it`)));
    expect(settings.flat().map((row) => row.it)).toEqual(["off", "", "", ""]);
    await restored.stop();
    expect(await readdir(archived)).toEqual(archivedNames);
  });

  it("archives as its source did when it takes its place, and follows nobody even then", async () => {
    const planned = await plan({ target: { kind: "immediate" } }, { adopt: true });
    await rig.restore(planned);
    const auto = await readFile(join(planned.targetDirectory, "postgresql.auto.conf"), "utf8");
    expect(auto).not.toContain("archive_mode");
    expect(auto).not.toContain("hunter2");
    expect(auto).toContain("primary_slot_name = ''");
  });

  it("is refused for a name that two restore points have, which are named", async () => {
    const refused = await plan({ target: { kind: "name", name: "twice" } });
    const check = refused.checks.find(({ id }) => id === "target");
    expect(check).toMatchObject({ state: "failed", code: "target-ambiguous" });
    const lsns = [...(check?.sentence.matchAll(/[0-9A-F]+\/[0-9A-F]{2,8}/g) ?? [])].map(([text]) => text);
    expect(new Set(lsns).size).toBe(2);
  });

  it("is refused, naming both sides, for what lies in a gap; what lies before it is still there", async () => {
    const from = commitOf(13);
    const segments = await segmentsOf();
    const gone = segments.find(
      ({ startLsn }) =>
        startLsn !== null && startLsn <= commitOf(9).lsn && commitOf(9).lsn < startLsn + BigInt(segmentBytes),
    );
    const place = { timeline: 1, startLsn: gone?.startLsn ?? 0n, sizeBytes: segmentBytes };
    const planned = await plan({ target: { kind: "xid", xid: from.xid, inclusive: true } });
    expect(planned.ok).toBe(true);
    await history.archive.removeSegments([place]);
    // What was planned is not begun when the archive lost what it needs meanwhile.
    await expect(rig.restore(planned)).rejects.toMatchObject({ code: "target-unreachable" });
    expect(await readdir(rig.dir.path)).not.toContain(planned.targetDirectory.split("/").at(-1));
    const refused = await plan({ target: { kind: "time", at: commitOf(10).at, inclusive: true } });
    const check = refused.checks.find(({ id }) => id === "target");
    expect(check).toMatchObject({ state: "failed", code: "target-unreachable" });
    expect(check?.sentence).toContain(commitOf(8).at.toISOString().slice(11, 23));
    const latest = await plan({ target: { kind: "latest" } });
    expect(latest.ok).toBe(true);
    expect(latest.recovery?.through.lsn).toBeLessThan(commitOf(9).lsn);
    expect(latest.checks.filter(({ id }) => id === "target")).toContainEqual(
      expect.objectContaining({ state: "warning", sentence: expect.stringContaining("gap") }),
    );
  });

  it("fails in the midst when its WAL cannot be read, and starts on nothing", async () => {
    const planned = await plan({ target: { kind: "time", at: commitOf(7).at, inclusive: true } });
    const away = new AppError("storage-unreachable", { message: "the store went away" });
    const unreadable = instead(history.archive, "read", () => ({
      [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(away) }),
    }));
    const area = instead(rig.area, "wal", () => unreadable);
    await expect(executeRestore({ area, clock: systemClock }, planned, rig.control())).rejects.toBe(away);
    expect(await readdir(join(planned.targetDirectory, "global"))).not.toContain("pg_control");
    expect(await readdir(planned.targetDirectory)).toContain(".tidemark-restoring");
  });

  it.each(recoverySteps)("cancelled at %s is no server, and the next one finishes", async (step) => {
    const planned = await plan({ target: { kind: "immediate" } });
    const abort = new AbortController();
    const onStep = (reached: string) => (reached === step ? abort.abort() : undefined);
    const control = rig.control({ signal: abort.signal, onStep });
    await expect(rig.restore(planned, control)).rejects.toMatchObject({ code: "cancelled" });
    expect(await readdir(planned.targetDirectory)).toContain(".tidemark-restoring");
    const again = await rig.plan(planned.request);
    await rig.restore(again);
    expect(await readdir(planned.targetDirectory)).toContain("recovery.signal");
    expect(await readdir(planned.targetDirectory)).not.toContain(".tidemark-restoring");
  });

  async function segmentsOf(): Promise<readonly WalEntry[]> {
    const found: WalEntry[] = [];
    for await (const entry of history.archive.list({ segmentSizeBytes: segmentBytes }))
      if (parseWalSegmentName(entry.name, segmentBytes) !== null && entry.kind === "segment") found.push(entry);
    return found;
  }

  function commitOf(id: number): RecordedCommit {
    return history.commits.find((one) => one.id === id) as RecordedCommit;
  }
});

/** The same object, but for one of its functions. */
function instead<T extends object>(whole: T, name: keyof T, act: (...args: never[]) => unknown): T {
  return new Proxy(whole, {
    get: (target, asked) => {
      if (asked === name) return act;
      const member: unknown = Reflect.get(target, asked);
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
}

async function agreeWithPgVerifybackup(target: string): Promise<void> {
  const tools = await findHostTool(15, "pg_verifybackup");
  expect(tools, "Debian's postgresql-15 brings pg_verifybackup").not.toBeNull();
  if (tools === null) return;
  const result = await runTool(tools, "pg_verifybackup", ["--no-parse-wal", target]);
  expect(result.stderr + result.stdout).toContain("backup successfully verified");
}
