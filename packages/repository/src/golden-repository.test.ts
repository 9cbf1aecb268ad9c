import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Secret } from "@tidemark/kit";
import { FilesystemStore, MemoryStore, type ObjectStore, ReadOnlyStore } from "@tidemark/storage";
import { describe, expect, it } from "vitest";
import { copyBackup } from "./copies/copy-backup.ts";
import { createRepository, openRepository } from "./open-repository.ts";
import { filesOf, keysOf, readTestBackup, takeTestBackup, testFacts, testKey } from "./test-repository.ts";
import type { Repository } from "./types.ts";

const fixtures = fileURLToPath(new URL("../fixtures/", import.meta.url));
const cases = readdirSync(fixtures).flatMap((version) =>
  ["encrypted", "plain"]
    .filter((variant) => existsSync(`${fixtures}${version}/${variant}`))
    .map((variant) => ({ version, variant, folder: `${fixtures}${version}` })),
);

interface ExpectedFile {
  readonly name: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

/** What there is beside the two backups that every version has. */
const more: Readonly<Record<string, { readonly backups: readonly string[]; readonly keptPacks: number }>> = {
  "golden-1": { backups: [], keptPacks: 2 },
  "golden-2": { backups: ["bak_third", "bak_fourth", "bak_fifth"], keptPacks: 5 },
  "golden-3": { backups: ["bak_third", "bak_fourth", "bak_fifth"], keptPacks: 5 },
};

describe.each(cases)("the golden repository $version, $variant", ({ folder, variant, version }) => {
  const open = async (): Promise<{ repository: Repository; store: ReadOnlyStore }> => {
    const store = new ReadOnlyStore(new FilesystemStore(`${folder}/${variant}`));
    const key = { kind: "key-file", text: new Secret(readFileSync(`${folder}/key.txt`, "utf8")) } as const;
    return { repository: await openRepository(store, { key }), store };
  };

  it("lists its backups with all their facts", async () => {
    const { repository } = await open();
    expect(repository.encrypted).toBe(variant === "encrypted");
    const [first, second, ...others] = await repository.area("srv_golden").listBackups();
    expect(others.map(({ backupId }) => backupId)).toEqual(more[version]?.backups);
    expect(first).toMatchObject({
      backupId: "bak_first",
      parentId: null,
      facts: testFacts,
      fileCount: version === "golden-1" ? 7 : 8,
      damaged: null,
    });
    expect(second).toMatchObject({ backupId: "bak_second", parentId: "bak_first", fileCount: first?.fileCount });
    expect(second?.facts).toEqual({ ...testFacts, includedWal: null, notes: [] });
    expect(second?.counts?.referencedBytes).toBeGreaterThan(100_000n);
  });

  it("gives every file back byte for byte", async () => {
    const { repository } = await open();
    const area = repository.area("srv_golden");
    const expected = JSON.parse(readFileSync(`${folder}/expected.json`, "utf8")) as Record<string, ExpectedFile[]>;
    for (const [backupId, files] of Object.entries(expected)) {
      const found = [...(await readTestBackup(area, backupId))].map(([name, bytes]) => ({
        name,
        sizeBytes: bytes.length,
        sha256: createHash("sha256").update(bytes).digest("hex"),
      }));
      expect(found).toEqual(files);
    }
    await repository.close();
  });

  it("says which frames it uses as its extents do, and how fragmented its files are", async () => {
    const { repository } = await open();
    const area = repository.area("srv_golden");
    for (const { backupId } of await area.listBackups()) {
      const manifest = await area.openManifest(backupId);
      const used = new Map<string, Set<number>>();
      const runs: number[] = [];
      for (const { extents } of await filesOf(area, backupId)) {
        const frames = extents.filter((extent) => extent.kind === "frame");
        for (const { packId, frameIndex } of frames) {
          used.set(packId, (used.get(packId) ?? new Set()).add(frameIndex));
        }
        runs.push(frames.length);
      }
      const said = [...(await manifest.frameUse())].map(([packId, bits]) => [packId, framesIn(bits)]);
      expect(said).toEqual([...used].map(([packId, frames]) => [packId, [...frames].sort((a, b) => a - b)]));
      const summaries: number[] = [];
      for await (const summary of manifest.files()) summaries.push(summary.runs);
      expect(summaries).toEqual(runs);
    }
    await repository.close();
  });

  it("is still written to, by what a backup of today makes", async () => {
    const store = new MemoryStore();
    const source = new FilesystemStore(`${folder}/${variant}`);
    for (const key of await keysOf(source)) if (!key.includes("/leases/")) await store.put(key, await source.get(key));
    const key = { kind: "key-file", text: new Secret(readFileSync(`${folder}/key.txt`, "utf8")) } as const;
    const repository = await openRepository(store, { key });
    const area = repository.area("srv_golden");
    const before = await readTestBackup(area, "bak_first");
    const stored = await takeTestBackup(area, "bak_today", "bak_first", before);
    expect(stored.counts?.storedBytes).toBe(0n);
    expect(stored.counts?.referencedBytes).toBeGreaterThan(100_000n);
    expect(await readTestBackup(area, "bak_today")).toEqual(before);
    expect(await versionsOf(store, "bak_today")).toEqual(new Set([variant === "plain" ? 3 : 2]));
    const document = JSON.parse(Buffer.from(await store.get("tidemark.json")).toString("utf8")) as object;
    expect(document).toMatchObject({ formatVersion: Number(version.slice("golden-".length)) });
    await repository.close();
  });

  it.each(["plain", "encrypted"])("is copied into a repository of today, %s", async (kind) => {
    const { repository } = await open();
    const source = repository.area("srv_golden");
    const store = new MemoryStore();
    const copy = await createRepository(store, { encryption: kind === "plain" ? "none" : testKey });
    const target = copy.area("srv_golden");
    for (const backupId of ["bak_first", "bak_second"]) {
      await copyBackup({ source, target, backupId });
      expect(await readTestBackup(target, backupId)).toEqual(await readTestBackup(source, backupId));
      const said = version === "golden-1" ? 1 : kind === "plain" ? 3 : 2;
      expect(await versionsOf(store, backupId)).toEqual(new Set([said]));
    }
    await copy.close();
    await repository.close();
  });

  it("still holds what it held, knows its dead run, and would remove only that", async () => {
    const { repository, store } = await open();
    const area = repository.area("srv_golden");
    expect((await area.marks("bak_first")).map(({ kind, text }) => [kind, text])).toEqual([
      ["hold", "audit 2026"],
      ["note", "before the move – vor dem Umzug"],
    ]);
    await expect(area.openManifest("bak_dead")).rejects.toMatchObject({ code: "manifest-missing" });
    // Files of a fresh clone are new, so "now" is taken far ahead of them.
    const now = new Date("2100-01-01T00:00:00.000Z");
    const plan = await area.planCollection({ now, graceMs: 3_600_000, runningBackupIds: [] });
    const keptPacks = more[version]?.keptPacks ?? 0;
    expect(plan).toMatchObject({ mark: [], keptPacks, revoke: ["bak_paused"] });
    expect(plan.remove.length).toBe(1);
    expect((await keysOf(store, "srv_golden/packs/")).length).toBe(keptPacks + 1);
  });
});

/** What the first bytes of a manifest and of all packs say. */
async function versionsOf(store: ObjectStore, backupId: string): Promise<Set<number>> {
  const found = new Set<number>();
  const packs = backupId === "bak_today" ? [] : await keysOf(store, "srv_golden/packs/");
  for (const key of [`srv_golden/backups/${backupId}`, ...packs]) {
    found.add(Buffer.from(await store.get(key)).readUInt16LE(8));
  }
  return found;
}

function framesIn(bitmap: Uint8Array): number[] {
  const frames: number[] = [];
  for (let frame = 0; frame < bitmap.length * 8; frame++) {
    if (((bitmap[frame >> 3] ?? 0) & (1 << (frame & 7))) !== 0) frames.push(frame);
  }
  return frames;
}
