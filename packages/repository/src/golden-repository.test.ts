import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Secret } from "@tidemark/kit";
import { FilesystemStore, ReadOnlyStore } from "@tidemark/storage";
import { describe, expect, it } from "vitest";
import { openRepository } from "./open-repository.ts";
import { keysOf, readTestBackup, testFacts } from "./test-repository.ts";
import type { Repository } from "./types.ts";

const fixtures = fileURLToPath(new URL("../fixtures/", import.meta.url));
const cases = readdirSync(fixtures).flatMap((version) =>
  ["encrypted", "plain"].map((variant) => ({ version, variant, folder: `${fixtures}${version}` })),
);

interface ExpectedFile {
  readonly name: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

describe.each(cases)("the golden repository $version, $variant", ({ folder, variant }) => {
  const open = async (): Promise<{ repository: Repository; store: ReadOnlyStore }> => {
    const store = new ReadOnlyStore(new FilesystemStore(`${folder}/${variant}`));
    const key = { kind: "key-file", text: new Secret(readFileSync(`${folder}/key.txt`, "utf8")) } as const;
    return { repository: await openRepository(store, { key }), store };
  };

  it("lists its backups with all their facts", async () => {
    const { repository } = await open();
    expect(repository.encrypted).toBe(variant === "encrypted");
    const [first, second, ...more] = await repository.area("srv_golden").listBackups();
    expect(more).toEqual([]);
    expect(first).toMatchObject({
      backupId: "bak_first",
      parentId: null,
      facts: testFacts,
      fileCount: 7,
      damaged: null,
    });
    expect(second).toMatchObject({ backupId: "bak_second", parentId: "bak_first", fileCount: 7 });
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
    expect(plan).toMatchObject({ mark: [], keptPacks: 2, revoke: ["bak_paused"] });
    expect(plan.remove.length).toBe(1);
    expect((await keysOf(store, "srv_golden/packs/")).length).toBe(3);
  });
});
