import { describe, expect, it } from "vitest";
import { isDatabaseFolder, isLeftOut } from "./backup-rules.ts";
import { type FakeEntry, fakeFiles } from "./fake-files.fixture.ts";
import { type TreeOptions, walkTree } from "./walk-tree.ts";

async function walk(entries: Readonly<Record<string, FakeEntry>>, more: Partial<TreeOptions> = {}) {
  const options: TreeOptions = {
    files: fakeFiles(entries),
    major: 15,
    catalogVersion: 202209061,
    dataDirectoryMode: 0o700,
    blockSize: 8192,
    tablespaces: [],
    statsFolder: null,
    ...more,
  };
  const found: string[] = [];
  for await (const entry of walkTree(options)) {
    found.push(entry.kind === "folder" ? `${entry.path}/` : `${entry.path} ${entry.sizeBytes}`);
  }
  return found;
}

const small = { content: Buffer.from("12345") };

describe("the rules of BASE_BACKUP", () => {
  it.each([
    ["", "postmaster.pid", true],
    ["", "postmaster.pid.old", false],
    ["anywhere/below", "backup_label", true],
    ["", "backup_label.old", false],
    ["base/5", "pg_internal.init", true],
    ["global", "pg_internal.init.4711", true],
    ["base", "pgsql_tmp", true],
    ["base/5", "t3_16400", true],
    ["base/5", "t3_16400_fsm.2", true],
    ["base/5", "t3_16400_init", true],
    ["base/5", "t3", false],
    ["log", "t3_16400", false],
    ["pg_tblspc/9/PG_15_202209061/5", "t3_16400", true],
    ["base/5", "16400", true],
    ["base/5", "16400.1", true],
    ["base/5", "16400_vm", true],
    ["base/5", "16400_init", false],
    ["base/5", "16401", false],
    ["log", "16400", false],
  ])("in %j leave out %j: %j", (folder, name, leftOut) => {
    expect(isLeftOut(folder, name, new Set(["16400", "16400_init", "16401"]))).toBe(leftOut);
  });

  it.each([
    ["base/5", true],
    ["base", false],
    ["global", false],
    ["base/5/6", false],
    ["pg_tblspc/9/PG_15_202209061/5", true],
    ["pg_tblspc/9/other/5", false],
  ])("call %j a folder of a database: %j", (folder, is) => {
    expect(isDatabaseFolder(folder)).toBe(is);
  });
});

describe("walking a tree", () => {
  it("gives folders before what is in them, leaves pg_control for the end, and empties what is not to be copied", async () => {
    expect(
      await walk({
        PG_VERSION: small,
        "global/pg_control": small,
        "global/1262": small,
        "pg_wal/000000010000000000000001": small,
        "pg_replslot/s/state": small,
        "log/pg_notify/x": small,
      }),
    ).toEqual([
      "PG_VERSION 5",
      "global/",
      "global/1262 0",
      "pg_wal/",
      "pg_wal/archive_status/",
      "pg_replslot/",
      "log/",
      "log/pg_notify/",
    ]);
  });

  it("knows pg_wal/summaries from 17 on", async () => {
    const entries = { "pg_wal/x": small };
    expect(await walk(entries, { major: 17 })).toEqual(["pg_wal/", "pg_wal/archive_status/", "pg_wal/summaries/"]);
  });

  it("copies relations in whole pages and other files as long as they are", async () => {
    const content = Buffer.alloc(8192 + 100);
    expect(await walk({ "base/5/16400": { content }, "pg_xact/0000": { content } })).toEqual([
      "base/",
      "base/5/",
      "base/5/16400 8192",
      "pg_xact/",
      "pg_xact/0000 8292",
    ]);
  });

  it("goes into a tablespace by its OID, and only into its own version's folder", async () => {
    const entries = {
      "pg_tblspc/9/PG_15_202209061/5/16400": { content: Buffer.alloc(8192) },
      "pg_tblspc/9/PG_14_202107181/5/16400": small,
    };
    expect(await walk(entries, { tablespaces: [{ oid: 9, path: "/srv/fast" }] })).toEqual([
      "pg_tblspc/",
      "pg_tblspc/9/PG_15_202209061/",
      "pg_tblspc/9/PG_15_202209061/5/",
      "pg_tblspc/9/PG_15_202209061/5/16400 8192",
    ]);
  });

  it("does not copy a tablespace twice that lies in the data directory", async () => {
    const entries = {
      "inside/PG_15_202209061/5/16400": { content: Buffer.alloc(8192) },
      "elsewhere/PG_15_202209061/x": small,
    };
    expect(await walk(entries, { tablespaces: [{ oid: 9, path: "/data/inside" }] })).toEqual([
      "inside/",
      "elsewhere/",
      "elsewhere/PG_15_202209061/",
      "elsewhere/PG_15_202209061/x 5",
      "pg_tblspc/9/PG_15_202209061/",
    ]);
  });

  it("leaves the contents of the statistics' folder of 13 and 14 out", async () => {
    expect(await walk({ "run/stats/db_0.stat": small }, { statsFolder: "run/stats" })).toEqual(["run/", "run/stats/"]);
  });

  it("says what it passes over, and sends linked folders of PostgreSQL as folders", async () => {
    const notes: string[] = [];
    const entries = {
      pg_wal: { kind: "link" },
      "server.crt": { kind: "link" },
      socket: { kind: "other" },
    } as const;
    expect(await walk(entries, { onNote: (note) => notes.push(note) })).toEqual(["pg_wal/", "pg_wal/archive_status/"]);
    expect(notes).toEqual([
      "server.crt was left out: it is neither a file nor a folder",
      "socket was left out: it is neither a file nor a folder",
    ]);
  });

  it("ends where links lead back into their own folder", async () => {
    const files = fakeFiles({});
    const notes: string[] = [];
    const loop = { name: "again", kind: "folder", sizeBytes: 0, mode: 0o700, modifiedAt: new Date(0) } as const;
    const found = await walk({}, { files: { ...files, list: async () => [loop] }, onNote: (note) => notes.push(note) });
    expect(found.length).toBe(33);
    expect(notes.length).toBe(1);
  });
});
