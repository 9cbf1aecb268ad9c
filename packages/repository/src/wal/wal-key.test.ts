import { MemoryStore } from "@tidemark/storage";
import { describe, expect, it } from "vitest";
import { newRepositoryKey } from "../keys/repository-key.ts";
import type { NewKeyOwner } from "../keys/repository-keys.ts";
import { createRepository, openRepository } from "../open-repository.ts";
import { keysOf, takeTestBackup, testKey, testOpeners } from "../test-repository.ts";
import type { Repository, RepositoryKey, ServerArea } from "../types.ts";
import { collect, inChunks, PlainStore, testPlace, testSegmentBytes, testSystem, testWal } from "./test-wal.ts";
import type { WalArchive } from "./wal-archive.ts";

/** Keys that open the WAL of one server and nothing else, as database hosts have. */

const keyFile = (byte: number) =>
  newRepositoryKey((length) => new Uint8Array(length).fill(byte)) as NewKeyOwner & RepositoryKey;
const hostKey = keyFile(9);

const openWhole = (store: MemoryStore) => openRepository(store, { key: testKey, openers: testOpeners });
const openHost = (store: MemoryStore, key: RepositoryKey = hostKey) =>
  openRepository(store, { key, openers: testOpeners, walAlone: true });

const keysIn = (repository: Repository) => {
  if (repository.keys === null) throw new Error("the repository is not encrypted");
  return repository.keys;
};

async function rotate(store: MemoryStore, ...given: RepositoryKey[]): Promise<string> {
  const keys = keysIn(await openWhole(store));
  return (await keys.rotate(await keys.planRotation(given), given)).keyId;
}

/** With a backup, WAL of two servers, and a key for the WAL of the first. */
async function vault(store = new MemoryStore()): Promise<MemoryStore> {
  const whole = await createRepository(store, { encryption: testKey, openers: testOpeners });
  await takeTestBackup(whole.area("srv_1"), "bak_1", null, new Map([["base/1", testWal(9).subarray(0, 5000)]]));
  for (const server of ["srv_1", "srv_2"]) await put(whole.area(server), 0);
  await keysIn(whole).add(hostKey, "host db1 of orders", "srv_1");
  return store;
}

const wal = (area: ServerArea): WalArchive => area.wal(testSystem);

const put = (area: ServerArea, number: number) =>
  wal(area).putSegment(testPlace(number), inChunks(testWal(number, 40_000), 99_999), null);

async function reads(area: ServerArea, number: number): Promise<boolean> {
  const bytes = await collect(wal(area).read(`00000001000000000000000${number}`));
  return Buffer.compare(bytes, testWal(number, 40_000)) === 0;
}

const codeOf = (error: unknown) => (error as { code?: string }).code ?? String(error);
const codeWhen = (act: Promise<unknown>) => act.then(() => "done", codeOf);

describe.each([
  ["grows", () => new MemoryStore()],
  ["does not grow", () => new PlainStore()],
] as const)("a key for the WAL of one server, in a store that %s", (_, newStore) => {
  it("seals and opens that, for and from whoever opens everything", async () => {
    const store = await vault(newStore());
    const [host, whole] = [(await openHost(store)).area("srv_1"), (await openWhole(store)).area("srv_1")];
    expect(await reads(host, 0)).toBe(true);
    expect(await put(host, 1)).toBe("stored");
    expect(await reads(whole, 1)).toBe(true);
    // Told from each other by hashes whose keys the host was given.
    expect(await put(whole, 1)).toBe("same");
    expect(await put(host, 0)).toBe("same");
    const other = wal(host).putSegment(testPlace(0), inChunks(testWal(5), 99_999), null);
    expect(await codeWhen(other)).toBe("wal-conflict");
    const history = new Uint8Array(Buffer.from("1\t0/300000\tno recovery target specified\n"));
    expect(await wal(host).putHistory(2, history)).toBe("stored");
    expect(await collect(wal(whole).read("00000002.history"))).toEqual(history);
    const writer = await wal(whole).beginSegment(testPlace(2), { writer: "receiver" });
    await writer.write(testWal(2).subarray(0, 200_000));
    await writer.flush();
    await writer.abandon();
    const partial = await wal(host).partial(1);
    expect(
      Buffer.compare(await collect(partial?.read() ?? inChunks(history, 1)), testWal(2).subarray(0, 200_000)),
    ).toBe(0);
    // What another left of it in pieces goes once the whole is there.
    await wal(host).putSegment(testPlace(2), inChunks(testWal(2), 99_999), null);
    expect((await keysOf(store)).filter((key) => key.includes("/partial/"))).toEqual([]);
  });
});

describe("a key for the WAL of one server", () => {
  it("opens nothing else, in one sentence and with one code", async () => {
    const store = await vault();
    await expect(openRepository(store, { key: hostKey })).rejects.toMatchObject({
      code: "repository-key-scope",
      message: "this key opens only the WAL of srv_1",
      hint: expect.stringContaining("tidemark repository keys"),
    });
    const host = await openHost(store);
    const [own, other] = [host.area("srv_1"), host.area("srv_2")];
    const encoder = { pipelineDepth: 1, encode: () => Promise.reject(new Error("no")), close: async () => undefined };
    const begin = { backupId: "bak_2", parentId: null, startedAt: new Date(0), encoder };
    const now = { now: new Date("2100-01-01T00:00:00.000Z"), graceMs: 3_600_000, runningBackupIds: [] };
    const before = await keysOf(store);
    for (const [what, act] of [
      ["lists no backup", () => own.listBackups()],
      ["opens no manifest", () => own.openManifest("bak_1")],
      ["takes no backup", () => own.beginBackup(begin)],
      ["marks none", () => own.addMark("bak_1", { kind: "hold", text: "", by: "host", at: new Date(0) })],
      ["deletes none", () => own.deleteBackup("bak_1")],
      ["collects nothing", () => own.planCollection(now)],
      ["reads no other server's WAL", () => reads(other, 0)],
      ["writes no other server's WAL", () => put(other, 1)],
      ["adds no key", () => keysIn(host).add(hostKey, null)],
      ["rotates none", () => keysIn(host).planRotation([])],
      ["replaces none", () => keysIn(host).rewrap(hostKey, hostKey)],
      ["removes none", () => keysIn(host).remove({ slots: [], refusals: [], forgottenKeyIds: [] })],
    ] as const)
      expect([what, await codeWhen(act())]).toEqual([what, "repository-key-scope"]);
    expect(await keysOf(store)).toEqual(before);
    expect((await keysIn(host).list()).slots.map(({ walOf, opened }) => [walOf, opened])).toEqual([
      [null, false],
      ["srv_1", true],
    ]);
  });

  it("is given neither the data key nor the seed, whoever reads its slot", async () => {
    const store = await vault();
    const whole = await import("../keys/open-slots.ts");
    const id = (await openWhole(store)).id;
    const [secrets] = (await whole.openSlots(store, id, testKey)).keys;
    const { keys, wal: given } = await whole.openSlots(store, id, hostKey);
    expect(keys).toEqual([]);
    const text = JSON.stringify(
      given.map(({ wal: held }) => Object.values(held).map((one) => Buffer.from(one).toString("hex"))),
    );
    for (const secret of [secrets?.secrets.dataKey, secrets?.secrets.fingerprintSeed])
      expect(text).not.toContain(Buffer.from(secret ?? []).toString("hex"));
    expect(given.map(({ wal: held }) => [Object.keys(held), held.walKey.length, held.walHashKeys.length])).toEqual([
      [["walKey", "walHashKeys"], 32, 64],
    ]);
  });

  it("is refused when what it opens was changed by hand, and cannot be made of another's", async () => {
    const store = await vault();
    await keysIn(await openWhole(store)).add(keyFile(3), "admin");
    const slots = (await keysOf(store, "keys/")).map((key) => [key, store.get(key)] as const);
    for (const [key, stored] of slots) {
      const bytes = await stored;
      const slot = JSON.parse(Buffer.from(bytes).toString()) as Record<string, unknown>;
      const { walOf, ...whole } = slot;
      const changes =
        walOf === undefined
          ? [{ ...slot, walOf: "srv_1", formatVersion: 3 }]
          : [{ ...slot, walOf: "srv_2" }, { ...whole, formatVersion: 1 }, { ...slot, formatVersion: 1 }, whole];
      const owner = slot.label === "admin" ? keyFile(3) : walOf ? hostKey : testKey;
      for (const changed of changes) {
        store.overwrite(key, new Uint8Array(Buffer.from(JSON.stringify(changed))));
        expect(await codeWhen(openHost(store, owner))).toBe("repository-key-wrong");
      }
      store.overwrite(key, bytes);
      expect(await codeWhen(openHost(store, owner))).toBe("done");
    }
  });

  it("is a key file, made anew for another server and made once for one", async () => {
    const store = await vault();
    const keys = keysIn(await openWhole(store));
    const passphrase = { kind: "passphrase", text: testKey.text } as const;
    expect(await codeWhen(keys.add(passphrase, null, "srv_1"))).toBe("bad-request");
    expect(await codeWhen(keys.add(hostKey, null, "srv/1"))).toBe("bad-request");
    expect((await keys.add(hostKey, null, "srv_1")).added).toEqual([]);
    expect((await keys.add(hostKey, null, "srv_2")).added).toHaveLength(1);
    const host = await openHost(store);
    for (const server of ["srv_1", "srv_2"]) expect(await put(host.area(server), 1)).toBe("stored");
    expect(await codeWhen(put(host.area("srv_3"), 1))).toBe("repository-key-scope");
    expect(await codeWhen(keys.rewrap(hostKey, keyFile(4)))).toBe("bad-request");
    // The same key file for everything: then it opens everything.
    await keys.add(hostKey, null);
    expect((await (await openRepository(store, { key: hostKey })).area("srv_1").listBackups()).length).toBe(1);
  });
});

describe("a host's key when keys change", () => {
  it("seals on with what it has after a rotation, says what it cannot open, and gets the rest by a new slot", async () => {
    const store = await vault();
    const before = await openHost(store);
    const keys = keysIn(await openWhole(store));
    expect((await keys.planRotation([])).leave.map(({ label, walOf }) => [label, walOf])).toEqual([
      ["host db1 of orders", "srv_1"],
    ]);
    await rotate(store);
    expect(await put(before.area("srv_1"), 1)).toBe("stored");
    const host = await openHost(store);
    expect(await put(host.area("srv_1"), 2)).toBe("stored");
    const whole = (await openWhole(store)).area("srv_1");
    expect([await reads(whole, 1), await reads(whole, 2)]).toEqual([true, true]);
    await put(whole, 3);
    await expect(reads(host.area("srv_1"), 3)).rejects.toMatchObject({
      code: "wal-key-missing",
      hint: expect.stringContaining("host-config"),
    });
    // Pieces that it cannot read are neither nothing nor in its way.
    const writer = await wal(whole).beginSegment(testPlace(4), { writer: "receiver" });
    await writer.write(testWal(4).subarray(0, 9_000));
    await writer.flush();
    await writer.abandon();
    expect(await codeWhen(wal(host.area("srv_1")).partial(1))).toBe("wal-key-missing");
    expect(await put(host.area("srv_1"), 4)).toBe("stored");
    await keysIn(await openWhole(store)).add(hostKey, null, "srv_1");
    expect(await reads((await openHost(store)).area("srv_1"), 3)).toBe(true);
  });

  it("gets the new data key's when the host's key file is given to the rotation, and no more than that", async () => {
    const store = await vault();
    await rotate(store, hostKey);
    const host = await openHost(store);
    expect(host.keys === null ? [] : (await host.keys.list()).slots.filter(({ opened }) => opened)).toMatchObject([
      { walOf: "srv_1", current: false },
      { walOf: "srv_1", current: true, label: "host db1 of orders" },
    ]);
    expect(await codeWhen(host.area("srv_1").listBackups())).toBe("repository-key-scope");
  });

  it("counts as nobody who opens a data key, and may always go", async () => {
    const store = await vault();
    const keys = keysIn(await openWhole(store));
    const { slots } = await keys.list();
    const plan = async (walOf: string | null) =>
      keys.planRemoval({ ownerId: slots.find((slot) => slot.walOf === walOf)?.ownerId ?? "" });
    expect((await plan(null)).refusals).toHaveLength(1);
    expect(await codeWhen(keys.remove(await plan(null)))).toBe("key-slot-needed");
    const gone = await plan("srv_1");
    expect([gone.refusals, gone.forgottenKeyIds]).toEqual([[], []]);
    await keys.remove(gone);
    expect(await codeWhen(openHost(store))).toBe("repository-key-wrong");
  });
});

describe("the version of an object", () => {
  it("is not changed by saying another: WAL of version 3 does not become older, nor anything else new", async () => {
    const store = await vault();
    const key = `srv_1/${testSystem}/wal/00000001/000000010000000000000000`;
    const sealed = await store.get(key);
    expect([sealed[8], testSegmentBytes > sealed.length]).toEqual([3, true]);
    for (const version of [1, 2]) {
      const changed = sealed.slice();
      changed[8] = version;
      store.overwrite(key, changed);
      expect(await codeWhen(reads((await openWhole(store)).area("srv_1"), 0))).toBe("wal-damaged");
    }
    // Nor does anything else become of version 3.
    store.overwrite(key, sealed);
    const manifest = (await store.get("srv_1/backups/bak_1")).slice();
    manifest[8] = 3;
    store.overwrite("srv_1/backups/bak_1", manifest);
    expect(await codeWhen((await openWhole(store)).area("srv_1").openManifest("bak_1"))).toBe("manifest-damaged");
  });
});
