import { execFile } from "node:child_process";
import { readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { systemClock } from "@tidemark/kit";
import { findServerUser, giveTree } from "@tidemark/local-postgres";
import { parseLsn } from "@tidemark/postgres";
import { copyWal, createRepository, failoverArea, openRepository } from "@tidemark/repository";
import { FilesystemStore } from "@tidemark/storage";
import { adoptCluster, tempDir, waitFor } from "@tidemark/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { executeCopies, planCopies } from "../copies/copy-backups.ts";
import { type ArchivedServer, archivedServer } from "../drill/archived-server.fixture.ts";
import { type EngineRig, engineRig } from "../engine-rig.ts";
import type { KilledOrder } from "../killed.child.ts";
import { executeRestore } from "../restore/execute-restore.ts";
import { planRestore } from "../restore/plan-restore.ts";
import { restoringMark } from "../restore/restore-target.ts";
import { neededWalFolder } from "./copy-needed-wal.ts";

let rig: EngineRig;
let archived: ArchivedServer;
/** Behind the second of three rows. */
let lsn: bigint;
const recovery = { timeline: "latest", action: "promote", asStandby: false, wal: "copy", fetch: null } as const;

beforeAll(async () => {
  rig = await engineRig({ encrypted: false });
  archived = await archivedServer(rig);
  const { server } = archived;
  await server.query("CREATE TABLE ledger AS SELECT 0 AS id");
  await rig.backup(server.dsn());
  for (const id of [1, 2, 3]) {
    await server.query("INSERT INTO ledger VALUES ($1)", [id]);
    if (id === 2) {
      const [row] = await server.query<{ lsn: string }>("SELECT pg_current_wal_insert_lsn()::text AS lsn");
      lsn = parseLsn(row?.lsn ?? "");
    }
    await archived.archive();
  }
});
afterAll(async () => {
  await archived?.[Symbol.asyncDispose]();
  await rig?.[Symbol.asyncDispose]();
});

it("killed before its WAL is copied is no server, and the next one finishes", async () => {
  const target = rig.dir.join("killed");
  const order: KilledOrder = {
    ...{ act: "restore", step: "restore:before-wal", repository: rig.dir.join("repository"), dsn: "", backupId: "" },
    ...{ target, tablespace: null, recover: true },
  };
  const script = new URL("../killed.child.ts", import.meta.url).pathname;
  const signal = await new Promise<string | null>((resolve) => {
    execFile(process.execPath, [script, JSON.stringify(order)], { timeout: 120_000 }, (error) =>
      resolve(error?.signal ?? null),
    );
  });
  expect(signal).toBe("SIGKILL");
  expect(await readdir(target)).toContain(restoringMark);
  expect(await readdir(join(target, neededWalFolder)).catch(() => [])).toEqual([]);
  await expect(readFile(join(target, "global", "pg_control"))).rejects.toMatchObject({ code: "ENOENT" });
  await rig.restore(await rig.plan({ targetDirectory: target, recovery: { ...recovery, target: { kind: "latest" } } }));
  expect(await readdir(target)).not.toContain(restoringMark);
  expect(await rowsOf(target)).toEqual([0, 1, 2, 3]);
});

it("over what is there, to an instant, comes out of the second repository when the first is gone", async () => {
  await using second = await createRepository(new FilesystemStore(rig.dir.join("second")), { encryption: "none" }).then(
    (made) => Object.assign(made, { [Symbol.asyncDispose]: () => made.close() }),
  );
  const target = second.area("srv_test");
  const copying = { source: rig.area, target, clock: systemClock };
  await executeCopies(copying, await planCopies(copying, { backupId: null, skipIds: [] }), rig.control());
  await copyWal(rig.area.wal(archived.systemIdentifier), target.wal(archived.systemIdentifier));
  // What is there is the same backup, restored and gone on from.
  const targetDirectory = rig.dir.join("over");
  await rig.restore(await rig.plan({ targetDirectory, recovery: { ...recovery, target: { kind: "latest" } } }));
  expect(await rowsOf(targetDirectory)).toEqual([0, 1, 2, 3]);
  const first = await openRepository(new FilesystemStore(rig.dir.join("repository")));
  const [here, away] = [rig.dir.join("repository", "srv_test"), rig.dir.join("away")];
  await rename(here, away);
  try {
    const notes: string[] = [];
    const area = failoverArea(first.area("srv_test"), target, { onNote: ({ what }) => void notes.push(what) });
    const goal = { ...recovery, target: { kind: "lsn", lsn, inclusive: false } } as const;
    const request = {
      ...{ backupId: null, targetDirectory, tablespaces: [], owner: null, keepSignalFiles: false },
      ...{ allowedRoots: null, delta: true, databases: null, recovery: goal },
    };
    const plan = await planRestore({ area, clock: systemClock }, request, new AbortController().signal);
    expect(plan.ok).toBe(true);
    expect(plan.delta).not.toBeNull();
    await executeRestore({ area, clock: systemClock }, plan, rig.control());
    expect(notes.length).toBeGreaterThan(0);
  } finally {
    await rm(here, { recursive: true, force: true });
    await rename(away, here);
    await first.close();
  }
  expect(await rowsOf(targetDirectory)).toEqual([0, 1, 2]);
});

/** Starts it, waits for the end of its recovery, asks and stops it. */
async function rowsOf(dataDir: string): Promise<readonly number[]> {
  await giveTree(dataDir, await findServerUser());
  // Its own: it goes with the server.
  await using dir = await tempDir("asked");
  await using restored = await adoptCluster(dir, archived.server, { dataDir });
  const ended = async () =>
    (await restored.query<{ on: boolean }>("SELECT pg_is_in_recovery() AS on"))[0]?.on === false;
  await waitFor(ended, { what: "the end of the recovery", timeoutMs: 60_000 });
  const rows = await restored.query<{ id: number }>("SELECT id FROM ledger ORDER BY id");
  await restored.stop();
  return rows.map(({ id }) => id);
}
