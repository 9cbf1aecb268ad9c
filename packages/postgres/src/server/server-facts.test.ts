import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseLsn, toLsn } from "../files/lsn.ts";
import { parseWalSegmentName } from "../files/wal-segment.ts";
import { libraryNames } from "./environment.ts";
import { functionNames } from "./function-names.ts";
import { namedFiles } from "./read-configuration.ts";
import { replicationClientKind } from "./replication.ts";
import { serverValidity } from "./server-info.ts";
import { maskSettingSecrets } from "./settings.ts";
import { isInside } from "./tablespaces.ts";
import { walFileBefore } from "./wal-position.ts";

const mib = 1 << 20;

describe("walFileBefore", () => {
  it("names the file that holds the last byte, also on a segment boundary", () => {
    expect(walFileBefore(parseLsn("0/3000078"), 1, 16 * mib)).toEqual({
      fileName: "000000010000000000000003",
      fileOffset: 0x78,
    });
    expect(walFileBefore(parseLsn("0/4000000"), 1, 16 * mib)).toEqual({
      fileName: "000000010000000000000003",
      fileOffset: 16 * mib,
    });
    expect(walFileBefore(parseLsn("2/0"), 7, 64 * mib)).toEqual({
      fileName: "00000007000000010000003F",
      fileOffset: 64 * mib,
    });
  });

  it("gives name and offset that lead back to the position, for every segment size", () => {
    const position = fc.bigInt({ min: 1n, max: 2n ** 64n - 1n });
    fc.assert(
      fc.property(
        position,
        fc.integer({ min: 20, max: 30 }),
        fc.integer({ min: 1, max: 0xffffffff }),
        (lsn, log, timeline) => {
          const { fileName, fileOffset } = walFileBefore(toLsn(lsn), timeline, 2 ** log);
          const segment = parseWalSegmentName(fileName, 2 ** log);
          expect(segment).toMatchObject({ timeline });
          expect((segment?.startLsn ?? 0n) + BigInt(fileOffset)).toBe(lsn);
        },
      ),
    );
  });
});

describe("serverValidity", () => {
  const good = {
    major: 17,
    versionText: "17.10",
    walLevel: "replica",
    walSegmentSizeBytes: 16 * mib,
    blockSizeBytes: 8192,
    walBlockSizeBytes: 8192,
    relationSegmentSizeBytes: 1 << 30,
  };

  it("finds nothing wrong with a usual server, nor with one built with other sizes", () => {
    expect(serverValidity(good)).toEqual({ valid: true, reasons: [] });
    const odd = {
      ...good,
      walLevel: "logical",
      walSegmentSizeBytes: mib,
      blockSizeBytes: 32_768,
      walBlockSizeBytes: 65_536,
      relationSegmentSizeBytes: 2 ** 40,
    };
    expect(serverValidity(odd)).toEqual({ valid: true, reasons: [] });
  });

  it("tells every reason", () => {
    const bad = {
      ...good,
      major: 12,
      versionText: "12.22",
      walLevel: "minimal",
      walSegmentSizeBytes: 0,
      blockSizeBytes: 5000,
    };
    const { valid, reasons } = serverValidity(bad);
    expect(valid).toBe(false);
    expect(reasons).toEqual([
      "PostgreSQL 12.22 is not supported: 13 to 18 are",
      "wal_level is minimal; a backup needs replica or logical",
      "a WAL segment size of 0 bytes is not known",
      "a block size of 5000 bytes is not known",
    ]);
  });
});

describe("replicationClientKind", () => {
  const lsn = parseLsn("0/3000000");
  it.each([
    ["standby", { state: "streaming", sentLsn: lsn, replayLsn: lsn, slotKind: "physical" }],
    ["standby", { state: "catchup", sentLsn: lsn, replayLsn: lsn, slotKind: null }],
    ["wal-receiver", { state: "streaming", sentLsn: lsn, replayLsn: null, slotKind: "physical" }],
    ["base-backup", { state: "backup", sentLsn: null, replayLsn: null, slotKind: null }],
    ["base-backup", { state: "backup", sentLsn: null, replayLsn: null, slotKind: "physical" }],
    ["logical", { state: "streaming", sentLsn: lsn, replayLsn: lsn, slotKind: "logical" }],
    ["logical", { state: null, sentLsn: null, replayLsn: null, slotKind: "logical" }],
    ["unknown", { state: null, sentLsn: null, replayLsn: null, slotKind: "physical" }],
    ["unknown", { state: "startup", sentLsn: null, replayLsn: null, slotKind: null }],
  ] as const)("tells a client of the kind %s", (kind, client) => {
    expect(replicationClientKind(client)).toBe(kind);
  });
});

describe("functionNames", () => {
  it("follows both renamings", () => {
    expect(functionNames(9.6)).toMatchObject({
      switchWal: "pg_switch_xlog",
      startBackup: "pg_start_backup",
      walDirectory: "pg_xlog",
      replayLsn: "replay_location",
    });
    expect(functionNames(10)).toMatchObject({
      switchWal: "pg_switch_wal",
      startBackup: "pg_start_backup",
      walDirectory: "pg_wal",
      replayLsn: "replay_lsn",
    });
    expect(functionNames(14).stopBackup).toBe("pg_stop_backup");
    expect(functionNames(15).stopBackup).toBe("pg_backup_stop");
  });

  it.each([9.5, 19])("knows nothing of %d", (major) => {
    expect(() => functionNames(major)).toThrowError(expect.objectContaining({ code: "version-unsupported" }));
  });
});

describe("maskSettingSecrets", () => {
  it.each([
    ["host=h user=u password=secret port=1", "host=h user=u password=[secret] port=1"],
    ["password = 'it''s \\' secret' host=h", "password = [secret] host=h"],
    ["PGPASSWORD=secret cp %p /x", "PGPASSWORD=[secret] cp %p /x"],
    ["postgresql://u:secret@h/db", "postgresql://u:[secret]@h/db"],
    ["s3cmd --passwd=secret put", "s3cmd --passwd=[secret] put"],
    ["host=h password=it'sSecret port=1", "host=h password=[secret] port=1"],
    ["password=a\\ secret port=1", "password=[secret] port=1"],
    ['sh -c "psql password=secret" && cp %p /x', 'sh -c "psql password=[secret]" && cp %p /x'],
    [
      "AWS_SECRET_ACCESS_KEY=a/b+c AZURE_STORAGE_ACCESS_KEY=x== wal-g wal-push %p",
      "AWS_SECRET_ACCESS_KEY=[secret] AZURE_STORAGE_ACCESS_KEY=[secret] wal-g wal-push %p",
    ],
    ["SAS_TOKEN='a b' put %p", "SAS_TOKEN=[secret] put %p"],
    ["cp %p /archive/%f", "cp %p /archive/%f"],
    ["postgresql://u@h:5432/db", "postgresql://u@h:5432/db"],
  ])("%s", (text, masked) => {
    expect(maskSettingSecrets(text)).toBe(masked);
  });
});

describe("paths", () => {
  it.each([
    ["/data", "/data", true],
    ["/data/base", "/data", true],
    ["/data/base", "/data/", true],
    ["/data2", "/data", false],
    ["/etc/postgresql", "/data", false],
    ["pg_tblspc/16400", null, true],
    ["/x", null, null],
    ["/x", "/", true],
  ])("%s in %s: %s", (path, directory, expected) => {
    expect(isInside(path, directory)).toBe(expected);
  });

  it("finds the files a configuration file includes", () => {
    const lines = [
      "include 'a.conf'",
      "Include_If_Exists = 'it''s.conf' # x",
      "#include 'not'",
      "include_dir 'conf.d'",
      "include=/abs.conf",
    ];
    lines.push("included = 'no'", "work_mem = '@x'", 'include "../b c"');
    expect(namedFiles(lines.join("\n"), "/etc/pg/postgresql.conf", false)).toEqual([
      "/etc/pg/a.conf",
      "/etc/pg/it's.conf",
      "/abs.conf",
      "/etc/b c",
    ]);
  });

  it("finds the files an hba file names", () => {
    const hba =
      'host @dbs.txt,other @"my users",a@b 10.0.0.0/8 md5 # @not\nlocal all @/abs/admins peer\nlocal all @/abs/admins peer';
    expect(namedFiles(hba, "/etc/pg/pg_hba.conf", true)).toEqual([
      "/etc/pg/dbs.txt",
      "/etc/pg/my users",
      "/abs/admins",
    ]);
  });

  it.each([
    ["", []],
    ["pg_stat_statements", ["pg_stat_statements"]],
    ['auto_explain, "$libdir/my, lib" ,x', ["auto_explain", "$libdir/my, lib", "x"]],
  ])("libraries of %j", (setting, names) => {
    expect(libraryNames(setting)).toEqual(names);
  });
});
