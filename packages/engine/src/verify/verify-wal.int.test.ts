import { open } from "node:fs/promises";
import { systemClock } from "@tidemark/kit";
import { FilesystemStore } from "@tidemark/storage";
import { type TempDir, tempDir } from "@tidemark/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ArchivedServer, archivedServer } from "../drill/archived-server.fixture.ts";
import { type EngineRig, engineRig } from "../engine-rig.ts";
import { type VerifyWalRequest, verifyWal, type WalVerdict } from "./verify-wal.ts";

describe.each([13, 18] as const)("a verification of the archived WAL of PostgreSQL %i", (major) => {
  let home: TempDir;
  let rig: EngineRig;
  let archived: ArchivedServer;
  let backupId: string;
  const sizeBytes = 1 << 20;

  beforeAll(async () => {
    home = await tempDir("verify-wal");
    rig = await engineRig({ store: new FilesystemStore(home.join("repository")) });
    archived = await archivedServer(rig, major);
    const { server } = archived;
    await server.query("CREATE TABLE t (id int, body text)");
    backupId = (await rig.backup(server.dsn())).backupId;
    // Records of whole pages, so that some reach from one segment into the next; and a crash amid the WAL.
    const write = "INSERT INTO t SELECT g, repeat(md5(g::text), 40) FROM generate_series(1, 2000) g";
    await server.query(write);
    await archived.archive();
    await server.query(write);
    await server.kill();
    await server.start();
    await server.query(write);
    await archived.archive();
  });
  afterAll(async () => {
    await archived?.[Symbol.asyncDispose]();
    await rig?.[Symbol.asyncDispose]();
    await home?.[Symbol.asyncDispose]();
  });

  const wal = () => rig.area.wal(archived.systemIdentifier);
  const verify = async (request: Partial<VerifyWalRequest> = {}) => {
    const verdicts: WalVerdict[] = [];
    const keep = async (some: readonly WalVerdict[]) => void verdicts.push(...some);
    const deps = { area: rig.area, clock: systemClock };
    const report = await verifyWal(deps, { tier: "whole", subset: null, keep, ...request }, rig.control());
    return { report, verdicts };
  };
  const segments = async () => {
    const names: string[] = [];
    for await (const { kind, name } of wal().list()) if (kind === "segment") names.push(name);
    return names;
  };
  const placeOf = (name: string) => ({ timeline: 1, startLsn: BigInt(`0x${name.slice(16)}`) * 0x10_0000n, sizeBytes });

  it("finds nothing wrong with what a server wrote, whole or in parts, and tells of each segment once", async () => {
    const names = await segments();
    expect(names.length).toBeGreaterThan(8);
    for (const tier of ["metadata", "stored", "whole"] as const) {
      const { report, verdicts } = await verify({ tier });
      expect(report.problems).toEqual([]);
      expect(report).toMatchObject({ checkedSegments: names.length, problemCount: 0 });
      expect(report.checkedBytes).toBe(tier === "metadata" ? 0n : BigInt(names.length * sizeBytes));
      expect(verdicts.map(({ name, damage }) => [name, damage])).toEqual(names.map((name) => [name, null]));
    }
    const seen: string[] = [];
    for (let part = 1; part <= 3; part++) {
      const { report, verdicts } = await verify({ subset: { part, of: 3 } });
      expect(report.problems).toEqual([]);
      seen.push(...verdicts.map(({ name }) => name));
    }
    expect(seen.sort()).toEqual(names);
  });

  it("goes on where it was interrupted, and reads again only what a record reaches out of", async () => {
    const names = await segments();
    const known = new Set(names.slice(0, 5).map((name) => placeOf(name).startLsn));
    const { report, verdicts } = await verify({ isKnownSound: ({ startLsn }) => known.has(startLsn) });
    expect(report).toMatchObject({ checkedSegments: names.length, problemCount: 0 });
    expect(verdicts.map(({ name }) => name)).toEqual(names.slice(4));
  });

  // What is no matter of the major is tried with the newest. The last two change what is archived.
  it.runIf(major === 18)(
    "names a rotten segment, what is lost for it and until when, and judges the others",
    async () => {
      const names = await segments();
      const [rotten = ""] = names.slice(5);
      const flip = () => flipByte(home, rig.area.serverId, archived.systemIdentifier, rotten);
      await flip();
      for (const tier of ["stored", "whole"] as const) {
        const { report, verdicts } = await verify({ tier });
        expect(report.problemCount).toBe(1);
        expect(report.problems).toMatchObject([{ name: rotten, sentence: expect.stringContaining("is damaged") }]);
        expect(report.problems[0]?.sentence).toMatch(/nothing from 0\/[0-9A-F]+ on timeline 1 on can be recovered/);
        expect(verdicts.filter(({ damage }) => damage !== null).map(({ name }) => name)).toEqual([rotten]);
        expect(verdicts).toHaveLength(names.length);
      }
      // From a later backup on the window goes on.
      const later = await rig.backup(archived.server.dsn());
      const { report } = await verify({});
      expect(report.problems[0]?.sentence).toContain(`to the end of the backup ${later.backupId}`);
      await flip();
      expect((await verify({})).report.problemCount).toBe(0);
      expect(backupId).not.toBe(later.backupId);
    },
  );

  it.runIf(major === 18)(
    "finds a record that is wrong though it is stored well, and a segment of somebody else",
    async () => {
      const names = await segments();
      const [wrong = "", foreign = ""] = [names.at(4), names.at(7)];
      const bytesOf = async (name: string) => {
        const chunks: Uint8Array[] = [];
        for await (const bytes of wal().read(name)) chunks.push(bytes.slice());
        return Buffer.concat(chunks);
      };
      const replace = async (name: string, bytes: Uint8Array) => {
        await wal().removeSegments([placeOf(name)]);
        const body = (async function* () {
          yield bytes;
        })();
        await wal().putSegment(placeOf(name), body, null);
      };
      const bytes = await bytesOf(wrong);
      const own = Uint8Array.from(bytes);
      // Amid a page of rows, and far from its header.
      bytes[300_000] = (bytes[300_000] ?? 0) ^ 0xff;
      await replace(wrong, bytes);
      expect((await verify({ tier: "stored" })).report.problemCount).toBe(0);
      const { report } = await verify({});
      expect(report.problems.map(({ name }) => name)).toEqual([wrong]);
      expect(report.problems[0]?.sentence).toMatch(/a record's CRC is wrong|a record|a page/);
      await replace(wrong, own);
      await replace(foreign, await bytesOf(wrong));
      const other = await verify({});
      expect(other.report.problems.map(({ name }) => name)).toEqual([foreign]);
      expect(other.report.problems[0]?.sentence).toContain("holds the WAL of another position");
    },
  );
});

async function flipByte(home: TempDir, serverId: string, systemIdentifier: bigint, name: string): Promise<void> {
  const path = home.join("repository", serverId, String(systemIdentifier), "wal", "00000001", name);
  const handle = await open(path, "r+");
  try {
    const byte = Buffer.alloc(1);
    const { size } = await handle.stat();
    const position = Math.floor(size / 2);
    await handle.read(byte, 0, 1, position);
    byte[0] = (byte[0] ?? 0) ^ 0xff;
    await handle.write(byte, 0, 1, position);
  } finally {
    await handle.close();
  }
}
