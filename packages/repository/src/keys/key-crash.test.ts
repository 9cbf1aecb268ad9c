import { Secret } from "@tidemark/kit";
import { MemoryStore } from "@tidemark/storage";
import { describe, expect, it } from "vitest";
import { openRepository, type RepositoryOptions } from "../open-repository.ts";
import { newTestRepository, noise, takeTestBackup, testKey } from "../test-repository.ts";
import type { Repository, RepositoryKey } from "../types.ts";
import type { RepositoryKeys } from "./repository-keys.ts";

const passphraseCost = { memoryKib: 64, passes: 1, parallelism: 1 };
const oldPhrase = { kind: "passphrase", text: new Secret("correct horse") } as const;
const newPhrase = { kind: "passphrase", text: new Secret("battery staple") } as const;
const files = new Map([["a", noise(5_000, 1)]]);

const acts: Record<string, (keys: RepositoryKeys) => Promise<unknown>> = {
  "a key is added": (keys) => keys.add(newPhrase, "bob"),
  "a key is rotated": async (keys) => keys.rotate(await keys.planRotation([oldPhrase]), [oldPhrase]),
  "a key is wrapped anew": (keys) => keys.rewrap(oldPhrase, newPhrase),
  "a key is removed": async (keys) => {
    const alice = (await keys.list()).slots.find(({ label }) => label === "alice");
    if (alice !== undefined) await keys.remove(await keys.planRemoval({ ownerId: alice.ownerId }));
  },
};

async function open(store: MemoryStore, key: RepositoryKey, options: RepositoryOptions = {}): Promise<Repository> {
  return openRepository(store, { key, passphraseCost, openerThreads: 1, ...options });
}

function keysIn(repository: Repository): RepositoryKeys {
  if (repository.keys === null) throw new Error("the repository is not encrypted");
  return repository.keys;
}

/** A repository with two data keys, of which both owners have slots, and a backup by each. */
async function prepared(): Promise<MemoryStore> {
  const store = new MemoryStore();
  const { repository, area } = await newTestRepository({ store, passphraseCost });
  await keysIn(repository).add(oldPhrase, "alice");
  await takeTestBackup(area, "bkp_1", null, files);
  await keysIn(repository).rotate(await keysIn(repository).planRotation([oldPhrase]), [oldPhrase]);
  await takeTestBackup(area, "bkp_2", null, files);
  await repository.close();
  return store;
}

async function opensAll(store: MemoryStore, key: RepositoryKey, backups: readonly string[]): Promise<boolean> {
  const repository = await open(store, key).catch(() => null);
  if (repository === null) return false;
  try {
    // A manifest opens with the data key it was sealed with; its packs were sealed with the same.
    for (const backup of backups) await repository.area("srv_1").openManifest(backup);
    return true;
  } catch {
    return false;
  } finally {
    await repository.close();
  }
}

describe.each(Object.entries(acts))("a process that dies while %s", (name, act) => {
  it("at any step leaves a repository that opens, writes, and finishes the act when asked again", async () => {
    for (let dieAt = 1; ; dieAt++) {
      const store = await prepared();
      let steps = 0;
      const onStep = (step: string): void => {
        if (step.startsWith("key:") && ++steps === dieAt) throw new Error("killed");
      };
      const dying = await open(store, testKey, { onStep });
      const died = await act(keysIn(dying)).then(
        () => false,
        () => true,
      );
      await dying.close();
      if (!died) {
        expect(dieAt).toBeGreaterThan(2);
        return;
      }
      const next = await open(store, testKey);
      await takeTestBackup(next.area("srv_1"), "bkp_3", "bkp_2", files);
      const backups = ["bkp_1", "bkp_2", "bkp_3"];
      expect(await opensAll(store, testKey, backups), `${name}, step ${dieAt}`).toBe(true);
      // Whoever the act is about is never without a key in the middle of it: the old one, or the new one.
      if (name !== "a key is removed") {
        const either = (await opensAll(store, oldPhrase, backups)) || (await opensAll(store, newPhrase, backups));
        expect(either, `${name}, step ${dieAt}`).toBe(true);
      }
      if (name === "a key is wrapped anew" && !(await opensAll(store, oldPhrase, []))) continue;
      await act(keysIn(next));
      expect(await opensAll(store, testKey, backups)).toBe(true);
      const newOpens = await opensAll(store, newPhrase, backups);
      const oldOpens = await opensAll(store, oldPhrase, backups);
      const expected: Record<string, readonly [boolean, boolean]> = {
        "a key is added": [true, true],
        "a key is rotated": [false, true],
        "a key is wrapped anew": [true, false],
        "a key is removed": [false, false],
      };
      expect([newOpens, oldOpens], `${name}, step ${dieAt}`).toEqual(expected[name]);
      await next.close();
    }
  });
});
