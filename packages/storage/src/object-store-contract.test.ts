import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, it } from "vitest";
import { objectStoreContract } from "./contract-suite.ts";
import { FaultyStore } from "./faulty-store.ts";
import { FilesystemStore } from "./filesystem-store.ts";
import { MemoryStore } from "./memory-store.ts";
import type { ObjectStore } from "./object-store.ts";
import { RetryingStore } from "./retrying-store.ts";
import { ThrottledStore } from "./throttled-store.ts";

const folders: string[] = [];

async function filesystem(): Promise<FilesystemStore> {
  const folder = await mkdtemp(join(tmpdir(), "tidemark-store-"));
  folders.push(folder);
  return new FilesystemStore(join(folder, "not", "yet"));
}

afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true });
});

const stores: Readonly<Record<string, () => Promise<ObjectStore>>> = {
  memory: async () => new MemoryStore(),
  filesystem,
  "filesystem behind every wrapper": async () =>
    new RetryingStore(
      new ThrottledStore(new FaultyStore(await filesystem(), {}), {
        writeBytesPerSecond: 1e12,
        readBytesPerSecond: 1e12,
      }),
    ),
};

for (const [name, open] of Object.entries(stores)) {
  describe(`a store: ${name}`, () => {
    for (const { guarantee, run } of objectStoreContract) {
      it(guarantee, async () => {
        const store = await open();
        // A filesystem store has no folder before its first put; probing is how it is attached.
        await store.probe();
        await run(store);
      });
    }
  });
}
