import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Secret } from "@tidemark/kit";
import { MemoryStore, openStore } from "@tidemark/storage";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { recoveryKit } from "./keys/recovery-kit-text.ts";
import { newRepositoryKey, parseKeyFile } from "./keys/repository-key.ts";
import { createRepository, openRepository } from "./open-repository.ts";
import { isRepository } from "./repository-document.ts";
import { keysOf, testKey } from "./test-repository.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "tidemark-repository-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

const encoder = new TextEncoder();

describe("creating a repository", () => {
  it("works in a folder that does not exist yet, and only once", async () => {
    const store = await openStore(join(folder, "new"));
    expect(await isRepository(store)).toEqual({ kind: "empty" });
    const repository = await createRepository(store, { encryption: testKey });
    expect(repository).toMatchObject({ encrypted: true, formatVersion: 2 });
    expect(await isRepository(store)).toMatchObject({ kind: "ours", document: { id: repository.id, encrypted: true } });
    await expect(createRepository(store, { encryption: "none" })).rejects.toMatchObject({ code: "repository-exists" });
    expect((await openRepository(store, { key: testKey })).id).toBe(repository.id);
  });

  it("writes nothing into a folder with other people's files", async () => {
    await writeFile(join(folder, "letter.txt"), "x");
    const store = await openStore(folder);
    expect(await isRepository(store)).toEqual({ kind: "not-ours" });
    await expect(createRepository(store, { encryption: testKey })).rejects.toMatchObject({
      code: "repository-not-ours",
    });
    await expect(openRepository(store)).rejects.toMatchObject({ code: "repository-not-ours" });
    expect(await readdir(folder)).toEqual(["letter.txt"]);
  });

  it("does not take another program's tidemark.json or keys folder for its own", async () => {
    await mkdir(join(folder, "keys"));
    await writeFile(join(folder, "keys", "id_rsa"), "not json");
    await expect(createRepository(await openStore(folder), { encryption: testKey })).rejects.toMatchObject({
      code: "repository-not-ours",
    });
    const store = new MemoryStore();
    await store.put("tidemark.json", encoder.encode('{"color":"blue"}'));
    expect(await isRepository(store)).toEqual({ kind: "not-ours" });
  });

  it("begins anew where a creation died before the repository existed", async () => {
    const store = new MemoryStore();
    const onStep = (step: string): void => {
      if (step === "create:before-document") throw new Error("killed");
    };
    await expect(createRepository(store, { encryption: testKey, onStep })).rejects.toThrow("killed");
    expect(await isRepository(store)).toEqual({ kind: "unfinished" });
    await expect(openRepository(store, { key: testKey })).rejects.toMatchObject({ code: "repository-missing" });
    await createRepository(store, { encryption: testKey });
    expect((await keysOf(store)).length).toBe(2);
    await openRepository(store, { key: testKey });
  });
});

describe("opening a repository", () => {
  it("says what is wrong with it or with the key", async () => {
    const store = new MemoryStore();
    await expect(openRepository(store)).rejects.toMatchObject({ code: "repository-missing" });
    await createRepository(store, { encryption: testKey });
    await expect(openRepository(store)).rejects.toMatchObject({ code: "repository-key-missing" });
    const other = newRepositoryKey((length) => new Uint8Array(length).fill(9));
    await expect(openRepository(store, { key: other })).rejects.toMatchObject({ code: "repository-key-wrong" });
    const typo = { kind: "key-file", text: new Secret(testKey.text.reveal().replace("AQEB", "AQEC")) } as const;
    await expect(openRepository(store, { key: typo })).rejects.toMatchObject({ code: "repository-key-wrong" });
    const [slot] = await keysOf(store, "keys/");
    store.overwrite(slot ?? "", encoder.encode("garbage"));
    await expect(openRepository(store, { key: testKey })).rejects.toMatchObject({ code: "object-damaged" });
  });

  it.each([
    ["a later version", { formatVersion: 4 }],
    ["a requirement it does not know", { requires: ["sharded-packs"] }],
    ["an encryption it does not know", { encryption: "post-quantum" }],
  ])("refuses %s", async (_, change) => {
    const store = new MemoryStore();
    await createRepository(store, { encryption: "none" });
    const document: unknown = JSON.parse(Buffer.from(await store.get("tidemark.json")).toString());
    store.overwrite("tidemark.json", encoder.encode(JSON.stringify({ ...(document as object), ...change })));
    await expect(openRepository(store)).rejects.toMatchObject({ code: "repository-format-newer" });
    await expect(createRepository(store, { encryption: "none" })).rejects.toMatchObject({ code: "repository-exists" });
  });

  it("takes an object for damaged that says another version than its bytes are of", async () => {
    for (const encryption of [testKey, "none"] as const) {
      const store = new MemoryStore();
      const area = (await createRepository(store, { encryption })).area("srv_1");
      await area.addMark("bak_1", { kind: "hold", text: "audit", by: "ada", at: new Date(0) });
      const [mark = ""] = await keysOf(store, "srv_1/marks/");
      const bytes = await store.get(mark);
      expect(bytes[8]).toBe(encryption === "none" ? 3 : 2);
      for (const [version, code] of [
        [0, "object-damaged"],
        [encryption === "none" ? 2 : 3, "object-damaged"],
        [4, "repository-format-newer"],
      ] as const) {
        store.overwrite(
          mark,
          Uint8Array.from(bytes, (byte, at) => (at === 8 ? version : byte)),
        );
        await expect(area.marks("bak_1"), `version ${version}`).rejects.toMatchObject({ code });
      }
    }
  });

  it("says damaged, not missing, when its document is garbage", async () => {
    const store = new MemoryStore();
    await createRepository(store, { encryption: "none" });
    store.overwrite("tidemark.json", encoder.encode('{"tidemark":"repos'));
    await expect(openRepository(store)).rejects.toMatchObject({ code: "object-damaged" });
  });
});

describe("a key file", () => {
  it("is read back, blanks and line ends aside", () => {
    const key = newRepositoryKey((length) => new Uint8Array(length).fill(5));
    expect(parseKeyFile(new Secret(`${key.text.reveal()}\r\n`))).toEqual(new Uint8Array(32).fill(5));
  });

  it("with any one character changed is refused", () => {
    const text = testKey.text.reveal();
    for (let at = 0; at < text.length; at++) {
      const changed = `${text.slice(0, at)}${text[at] === "x" ? "y" : "x"}${text.slice(at + 1)}`;
      expect(() => parseKeyFile(new Secret(changed))).toThrow();
    }
  });
});

describe("a recovery kit", () => {
  it("has everything a restore without the control plane needs", async () => {
    const repository = await createRepository(new MemoryStore(), { encryption: testKey });
    const madeAt = new Date("2026-05-06T07:08:09Z");
    const kit = recoveryKit(repository, testKey, {
      serverNames: ["orders", "it's new"],
      location: "/mnt/backups",
      madeAt,
    });
    expect(kit).toContain(testKey.text.reveal());
    expect(kit).toContain(repository.id);
    expect(kit).toContain(
      "tidemark restore direct --repository /mnt/backups --key-file tidemark.key --server orders --to /new/empty/directory",
    );
    expect(kit).toContain("--server 'it'\\''s new'");
    expect(kit).toContain("2026-05-06T07:08:09.000Z");
  });

  it("never prints a passphrase", async () => {
    const key = { kind: "passphrase", text: new Secret("correct horse") } as const;
    const passphraseCost = { memoryKib: 64, passes: 1, parallelism: 1 };
    const repository = await createRepository(new MemoryStore(), { encryption: key, passphraseCost });
    expect(recoveryKit(repository, key, { serverNames: [], madeAt: new Date(0) })).not.toContain("correct horse");
  });
});
