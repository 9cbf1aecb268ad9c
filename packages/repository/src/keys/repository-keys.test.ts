import { AppError, type Clock, newId, Secret } from "@tidemark/kit";
import { MemoryStore } from "@tidemark/storage";
import { generateX25519Identity } from "age-encryption";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createRepository, openRepository, type RepositoryOptions } from "../open-repository.ts";
import {
  keysOf,
  newTestRepository,
  noise,
  readTestBackup,
  type TestFiles,
  takeTestBackup,
  testKey,
} from "../test-repository.ts";
import type { Repository, RepositoryKey } from "../types.ts";
import { recipientsOf } from "./age-file.ts";
import { newRepositoryKey } from "./repository-key.ts";
import type { NewKeyOwner, RepositoryKeys } from "./repository-keys.ts";

const passphraseCost = { memoryKib: 64, passes: 1, parallelism: 1 };
const phrase = (text: string) => ({ kind: "passphrase", text: new Secret(text) }) as const;
const keyFile = (byte: number) =>
  newRepositoryKey((length) => new Uint8Array(length).fill(byte)) as NewKeyOwner & RepositoryKey;

interface Identity {
  readonly key: RepositoryKey;
  readonly owner: NewKeyOwner;
}

async function newIdentity(): Promise<Identity> {
  const text = new Secret(`# created: today\n${await generateX25519Identity()}\n`);
  const [recipient = ""] = await recipientsOf(text);
  return { key: { kind: "age-identity", text }, owner: { kind: "age-recipient", recipient } };
}

class HandClock implements Clock {
  #now = Date.parse("2026-03-01T00:00:00Z");
  now(): Date {
    return new Date(this.#now);
  }
  monotonicMs(): number {
    return this.#now;
  }
  pass(ms: number): void {
    this.#now += ms;
  }
}

async function open(store: MemoryStore, key: RepositoryKey, options: RepositoryOptions = {}): Promise<Repository> {
  return openRepository(store, { key, passphraseCost, openerThreads: 1, ...options });
}

function keysIn(repository: Repository): RepositoryKeys {
  if (repository.keys === null) throw new Error("the repository is not encrypted");
  return repository.keys;
}

async function rotate(repository: Repository, keys: readonly RepositoryKey[] = []): Promise<string> {
  const plan = await keysIn(repository).planRotation(keys);
  return (await keysIn(repository).rotate(plan, keys)).keyId;
}

const files = (seed: number): TestFiles =>
  new Map([
    ["base/1", noise(600_000, 3)],
    ["base/2", noise(2_000, seed)],
  ]);

describe("keys of a repository", () => {
  it("open it, each kind its own slot and no other", async () => {
    const { repository, store, area } = await newTestRepository({ store: new MemoryStore(), passphraseCost });
    await takeTestBackup(area, "bkp_1", null, files(1));
    const identity = await newIdentity();
    await keysIn(repository).add(phrase("correct horse"), "alice");
    await keysIn(repository).add(keyFile(7), null);
    await keysIn(repository).add(identity.owner, "the safe");
    const right: RepositoryKey[] = [testKey, phrase("correct horse"), keyFile(7), identity.key];
    for (const key of right) {
      const opened = await open(store as MemoryStore, key);
      expect(await readTestBackup(opened.area("srv_1"), "bkp_1")).toEqual(new Map(files(1)));
      const { slots, notes } = await keysIn(opened).list();
      expect(notes).toEqual([]);
      expect(slots.map(({ kind, label }) => [kind, label])).toEqual([
        ["key-file", null],
        ["passphrase", "alice"],
        ["key-file", null],
        ["age", "the safe"],
      ]);
      expect(slots.filter((slot) => slot.opened).length).toBe(1);
      expect(slots.every((slot) => slot.current)).toBe(true);
    }
    const wrong: RepositoryKey[] = [phrase("correct horsf"), keyFile(8), (await newIdentity()).key];
    for (const key of wrong) {
      await expect(open(store as MemoryStore, key)).rejects.toMatchObject({
        code: "repository-key-wrong",
        message: expect.stringMatching(
          /its keys are: a key file, a passphrase \(alice\), a key file, age1\w+ \(the safe\)/,
        ),
        hint: expect.stringMatching(/nothing in it can be had back/),
      });
    }
  });

  it("are null where nothing is encrypted", async () => {
    const { repository } = await newTestRepository({ encrypted: false });
    expect(repository.keys).toBeNull();
  });

  it("can begin with a passphrase or an age identity", async () => {
    const identity = await newIdentity();
    for (const key of [phrase("a passphrase"), identity.key]) {
      const store = new MemoryStore();
      const made = await createRepository(store, { encryption: key, passphraseCost });
      await takeTestBackup(made.area("srv_1"), "bkp_1", null, files(1));
      await made.close();
      const again = await open(store, key);
      expect((await readTestBackup(again.area("srv_1"), "bkp_1")).size).toBe(2);
      await again.close();
    }
  });

  it("are not made twice for one owner", async () => {
    const { repository, store } = await newTestRepository({ passphraseCost });
    const identity = await newIdentity();
    for (const owner of [phrase("correct horse"), keyFile(7), identity.owner, testKey as NewKeyOwner]) {
      await keysIn(repository).add(owner, null);
      expect((await keysIn(repository).add(owner, null)).added).toEqual([]);
    }
    expect((await keysOf(store, "keys/")).length).toBe(4);
  });

  it.each([
    ["a short passphrase", phrase("short")],
    ["a recipient with a typing error", { kind: "age-recipient", recipient: `age1${"q".repeat(58)}` } as const],
    ["an SSH key", { kind: "age-recipient", recipient: "ssh-ed25519 AAAA" } as const],
    ["no key file", { kind: "key-file", text: new Secret("tidemark-key-1:AAAA") } as const],
  ])("are not made for %s", async (_, owner) => {
    const { repository, store } = await newTestRepository();
    await expect(keysIn(repository).add(owner, null)).rejects.toBeInstanceOf(AppError);
    expect((await keysOf(store, "keys/")).length).toBe(1);
  });
});

describe("rotation", () => {
  it("seals what comes after with a new key, keeps what is there, and stores nothing twice", async () => {
    const { repository, store, area } = await newTestRepository({ store: new MemoryStore(), passphraseCost });
    const memory = store as MemoryStore;
    const identity = await newIdentity();
    await keysIn(repository).add(identity.owner, "the safe");
    await keysIn(repository).add(phrase("correct horse"), "alice");
    const first = await takeTestBackup(area, "bkp_1", null, files(1));
    const plan = await keysIn(repository).planRotation([]);
    expect(plan.wrap.map(({ kind }) => kind)).toEqual(["age", "key-file"]);
    expect(plan.leave.map(({ label }) => label)).toEqual(["alice"]);
    const { keyId, added } = await keysIn(repository).rotate(plan, []);
    expect(added.length).toBe(2);
    const second = await takeTestBackup(area, "bkp_2", "bkp_1", files(2));
    expect(Number(second.counts?.storedBytes)).toBeLessThan(Number(first.counts?.storedBytes) / 100);
    const current = (await keysIn(repository).list()).slots.filter((slot) => slot.current);
    expect(current.map((slot) => slot.keyId)).toEqual([keyId, keyId]);
    for (const key of [testKey, identity.key]) {
      const opened = await open(memory, key);
      expect(await readTestBackup(opened.area("srv_1"), "bkp_1")).toEqual(new Map(files(1)));
      expect(await readTestBackup(opened.area("srv_1"), "bkp_2")).toEqual(new Map(files(2)));
    }
    // Left out: what was there opens, what came after does not, and says so.
    const left = await open(memory, phrase("correct horse"));
    expect(await readTestBackup(left.area("srv_1"), "bkp_1")).toEqual(new Map(files(1)));
    await expect(left.area("srv_1").openManifest("bkp_2")).rejects.toThrow(new RegExp(keyId));
  });

  it("wraps for owners whose keys are given, and is refused when the owners changed since it was planned", async () => {
    const { repository, store } = await newTestRepository({ store: new MemoryStore(), passphraseCost });
    await keysIn(repository).add(phrase("correct horse"), "alice");
    const plan = await keysIn(repository).planRotation([phrase("correct horse")]);
    expect(plan.leave).toEqual([]);
    await keysIn(repository).add(keyFile(5), "bob");
    await expect(keysIn(repository).rotate(plan, [phrase("correct horse")])).rejects.toMatchObject({
      code: "plan-stale",
    });
    await rotate(repository, [phrase("correct horse"), keyFile(5)]);
    for (const key of [phrase("correct horse"), keyFile(5)]) {
      const { slots } = await keysIn(await open(store as MemoryStore, key)).list();
      expect(slots.filter((slot) => slot.opened && slot.current).length).toBe(1);
    }
  });

  it("by two processes at once leaves every object open to every owner", async () => {
    const { store, area } = await newTestRepository({ store: new MemoryStore(), passphraseCost });
    const memory = store as MemoryStore;
    const identity = await newIdentity();
    await takeTestBackup(area, "bkp_1", null, files(1));
    const one = await open(memory, testKey);
    await keysIn(one).add(identity.owner, null);
    const two = await open(memory, testKey);
    await Promise.all([rotate(one), rotate(two)]);
    await takeTestBackup(one.area("srv_1"), "bkp_2", "bkp_1", files(2));
    await takeTestBackup(two.area("srv_1"), "bkp_3", "bkp_1", files(3));
    for (const key of [testKey, identity.key]) {
      const opened = await open(memory, key);
      for (const round of [1, 2, 3]) {
        expect(await readTestBackup(opened.area("srv_1"), `bkp_${round}`)).toEqual(new Map(files(round)));
      }
    }
    const currentOf = async (key: RepositoryKey): Promise<unknown> =>
      (await keysIn(await open(memory, key)).list()).slots.find((slot) => slot.current)?.keyId;
    expect(await currentOf(testKey)).toBe(await currentOf(identity.key));
  });

  it("in the middle of a backup leaves that backup whole", async () => {
    const { store } = await newTestRepository({ store: new MemoryStore() });
    const other = await open(store as MemoryStore, testKey);
    let rotated = false;
    const onStep = async (step: string): Promise<void> => {
      if (step !== "pack:before-put" || rotated) return;
      rotated = true;
      await rotate(other);
    };
    const writing = await open(store as MemoryStore, testKey, { onStep });
    await takeTestBackup(writing.area("srv_1"), "bkp_1", null, files(1));
    expect(rotated).toBe(true);
    const after = await open(store as MemoryStore, testKey);
    await takeTestBackup(after.area("srv_1"), "bkp_2", "bkp_1", files(2));
    for (const round of [1, 2]) {
      expect(await readTestBackup(after.area("srv_1"), `bkp_${round}`)).toEqual(new Map(files(round)));
    }
  });

  it("makes the newest key even where the clock went back", async () => {
    const { repository } = await newTestRepository({ clock: new HandClock() });
    const first = await rotate(repository);
    const second = await rotate(repository);
    const current = (await keysIn(repository).list()).slots.filter((slot) => slot.current);
    expect(current.map(({ keyId }) => keyId)).toEqual([second]);
    expect(second).not.toBe(first);
  });
});

describe("removal of a key", () => {
  it("is refused for the last slot of a data key in use, and the plan says why", async () => {
    const clock = new HandClock();
    const { repository, area } = await newTestRepository({ clock, passphraseCost });
    const [only] = (await keysIn(repository).list()).slots;
    const ownOnly = { ownerId: only?.ownerId ?? "" };
    expect((await keysIn(repository).planRemoval(ownOnly)).refusals).toEqual([
      expect.stringMatching(/last slot .* new objects are sealed with it/),
    ]);
    await takeTestBackup(area, "bkp_1", null, files(1));
    await rotate(repository);
    const old = { slot: only?.slot ?? "" };
    expect((await keysIn(repository).planRemoval(old)).refusals).toEqual([expect.stringMatching(/for an hour/)]);
    clock.pass(3_600_002);
    const plan = await keysIn(repository).planRemoval(old);
    expect(plan.refusals).toEqual([expect.stringMatching(/srv_1\/\S+ may need it/)]);
    await expect(keysIn(repository).remove(plan)).rejects.toMatchObject({ code: "key-slot-needed" });
    expect((await keysIn(repository).list()).slots.length).toBe(2);
  });

  it("is done for a data key that nothing is sealed with", async () => {
    const clock = new HandClock();
    const { repository, store } = await newTestRepository({ clock });
    const [old] = (await keysIn(repository).list()).slots;
    await rotate(repository);
    clock.pass(3_600_002);
    const plan = await keysIn(repository).planRemoval({ slot: old?.slot ?? "" });
    expect(plan).toMatchObject({ refusals: [], forgottenKeyIds: [old?.keyId] });
    await keysIn(repository).remove(plan);
    await takeTestBackup((await open(store as MemoryStore, testKey)).area("srv_1"), "bkp_1", null, files(1));
    await expect(keysIn(repository).remove(plan)).rejects.toMatchObject({ code: "plan-stale" });
  });

  it("takes all slots of an owner, who then opens nothing", async () => {
    const { repository, store } = await newTestRepository({ store: new MemoryStore(), passphraseCost });
    await keysIn(repository).add(phrase("correct horse"), "alice");
    await rotate(repository, [phrase("correct horse")]);
    const alice = (await keysIn(repository).list()).slots.filter(({ label }) => label === "alice");
    expect(alice.length).toBe(2);
    await keysIn(repository).remove(await keysIn(repository).planRemoval({ ownerId: alice[0]?.ownerId ?? "" }));
    await expect(open(store as MemoryStore, phrase("correct horse"))).rejects.toMatchObject({
      code: "repository-key-wrong",
    });
    await expect(keysIn(repository).planRemoval({ ownerId: "nobody" })).rejects.toMatchObject({ code: "not-found" });
  });
});

describe("re-wrapping", () => {
  it("gives every data key to the new key and takes the old one's away", async () => {
    const { repository, store, area } = await newTestRepository({ store: new MemoryStore(), passphraseCost });
    await keysIn(repository).add(phrase("correct horse"), "alice");
    await takeTestBackup(area, "bkp_1", null, files(1));
    await rotate(repository, [phrase("correct horse")]);
    await takeTestBackup(area, "bkp_2", "bkp_1", files(2));
    const { added, removed } = await keysIn(repository).rewrap(phrase("correct horse"), phrase("battery staple"));
    expect([added.length, removed.length]).toEqual([2, 2]);
    await expect(open(store as MemoryStore, phrase("correct horse"))).rejects.toThrow();
    const opened = await open(store as MemoryStore, phrase("battery staple"));
    for (const round of [1, 2]) {
      expect(await readTestBackup(opened.area("srv_1"), `bkp_${round}`)).toEqual(new Map(files(round)));
    }
    const again = keysIn(repository).rewrap(phrase("battery staple"), phrase("battery staple"));
    await expect(again).rejects.toMatchObject({ code: "bad-request" });
  });
});

describe("an age slot that nobody at hand can open", () => {
  it("is not relied on when the old key goes", async () => {
    const { repository, store, area } = await newTestRepository({ store: new MemoryStore(), passphraseCost });
    await keysIn(repository).add(phrase("correct horse"), "alice");
    await takeTestBackup(area, "bkp_1", null, files(1));
    const identity = await newIdentity();
    const [made = ""] = (await keysIn(repository).add(identity.owner, null)).added;
    const slot = JSON.parse(Buffer.from(await store.get(`keys/${made}`)).toString());
    const sealed = Buffer.from(slot.sealed, "base64");
    sealed[sealed.length - 1] = (sealed.at(-1) ?? 0) ^ 1;
    const rotten = Buffer.from(JSON.stringify({ ...slot, sealed: sealed.toString("base64") }));
    await store.delete(`keys/${made}`);
    await store.put(`keys/${made}`, rotten);
    await keysIn(repository).rewrap(phrase("correct horse"), identity.owner);
    const opened = await open(store as MemoryStore, identity.key);
    expect(await readTestBackup(opened.area("srv_1"), "bkp_1")).toEqual(new Map(files(1)));
  });
});

describe("one file of two age identities", () => {
  it("locks neither of their owners out when it rotates", async () => {
    const { repository, store } = await newTestRepository({ store: new MemoryStore() });
    const [first, second] = [await newIdentity(), await newIdentity()];
    await keysIn(repository).add(first.owner, "first");
    await keysIn(repository).add(second.owner, "second");
    const both = { kind: "age-identity", text: new Secret(`${first.key.text.reveal()}${second.key.text.reveal()}`) };
    const opened = await open(store as MemoryStore, both as RepositoryKey);
    const plan = await keysIn(opened).planRotation([testKey]);
    expect(plan.wrap.length).toBe(3);
    await rotate(opened, [testKey]);
    await takeTestBackup(opened.area("srv_1"), "bkp_1", null, files(1));
    for (const key of [first.key, second.key, testKey]) {
      const alone = await open(store as MemoryStore, key);
      expect(await readTestBackup(alone.area("srv_1"), "bkp_1")).toEqual(new Map(files(1)));
    }
  });
});

describe("slots made by somebody else", () => {
  it("get no new data key, stand for no opener, and are told of", async () => {
    const { repository, store } = await newTestRepository({ store: new MemoryStore() });
    const [safe, thief] = [await newIdentity(), await newIdentity()];
    const [made = ""] = (await keysIn(repository).add(safe.owner, "the safe")).added;
    const slot = JSON.parse(Buffer.from(await store.get(`keys/${made}`)).toString());
    const { recipient } = thief.owner as { readonly recipient: string };
    const planted = Buffer.from(JSON.stringify({ ...slot, slot: "key_planted", ownerId: "key_thief", recipient }));
    await store.put("keys/key_planted", planted);
    const plan = await keysIn(repository).planRotation([]);
    expect(plan.wrap.map(({ label, ownerId }) => [label, ownerId === "key_thief"])).toEqual([
      ["the safe", false],
      [null, false],
    ]);
    expect(plan.leave.map(({ ownerId }) => ownerId)).toEqual(["key_thief"]);
    expect((await keysIn(repository).list()).notes).toEqual([expect.stringMatching(/^key slot key_planted .*changed/)]);
    await keysIn(repository).remove(await keysIn(repository).planRemoval({ slot: made }));
    const [own] = (await keysIn(repository).list()).slots.filter(({ kind }) => kind !== "age");
    const last = await keysIn(repository).planRemoval({ slot: own?.slot ?? "" });
    expect(last.refusals).toEqual([expect.stringMatching(/last slot/)]);
  });

  it("for a known recipient stop all writing with that identity, and no reading", async () => {
    const { repository, store, area } = await newTestRepository({ store: new MemoryStore() });
    const identity = await newIdentity();
    await keysIn(repository).add(identity.owner, null);
    await takeTestBackup(area, "bkp_1", null, files(1));
    // Whoever can write to the store makes a slot with a data key of their own, newer than ours.
    const elsewhere = new MemoryStore();
    const forger = await createRepository(elsewhere, {
      encryption: testKey,
      newId: (kind) => (kind === "repository" ? repository.id : newId(kind)),
      clock: { now: () => new Date("2099-01-01T00:00:00Z"), monotonicMs: () => 0 },
    });
    await keysIn(forger).add(identity.owner, null);
    for (const key of await keysOf(elsewhere, "keys/")) {
      const bytes = await elsewhere.get(key);
      if (Buffer.from(bytes).includes('"age"')) await store.put(key, bytes);
    }
    const opened = await open(store as MemoryStore, identity.key);
    expect(await readTestBackup(opened.area("srv_1"), "bkp_1")).toEqual(new Map(files(1)));
    const writing = takeTestBackup(opened.area("srv_1"), "bkp_2", null, files(2));
    await expect(writing).rejects.toMatchObject({ code: "repository-keys-disagree" });
    // The key file's slots are sealed with a secret: nothing changes for who holds it.
    const own = await open(store as MemoryStore, testKey);
    await takeTestBackup(own.area("srv_1"), "bkp_3", null, files(3));
  });
});

describe("slots", () => {
  it("in any number and order open to whom they were made for", async () => {
    const identities = await Promise.all([newIdentity(), newIdentity()]);
    const act = fc.constantFrom("phrase 1 long", "phrase 2 long", "file 5", "file 6", "age 0", "age 1", "rotate");
    await fc.assert(
      fc.asyncProperty(fc.array(act, { maxLength: 7 }), async (acts) => {
        const store = new MemoryStore();
        const { repository, area } = await newTestRepository({ store, passphraseCost });
        const owners = new Map<string, RepositoryKey>([["own", testKey]]);
        let round = 0;
        const take = async (): Promise<void> => {
          round++;
          const parentId = round === 1 ? null : `bkp_${round - 1}`;
          await takeTestBackup(area, `bkp_${round}`, parentId, new Map([["a", noise(5_000, round)]]));
        };
        for (const name of acts) {
          const number = Number(name.split(" ")[1]);
          const identity = identities[number];
          if (name === "rotate") await rotate(repository, [...owners.values()]);
          else {
            const owner = name.startsWith("phrase")
              ? phrase(name)
              : name.startsWith("file")
                ? keyFile(number)
                : identity?.owner;
            if (owner === undefined) throw new Error(name);
            await keysIn(repository).add(owner, name);
            owners.set(name, owner.kind === "age-recipient" ? (identity as Identity).key : owner);
          }
          await take();
        }
        for (const key of owners.values()) {
          const opened = await open(store, key);
          for (let at = 1; at <= round; at++) await opened.area("srv_1").openManifest(`bkp_${at}`);
          await opened.close();
        }
        await repository.close();
      }),
      { numRuns: 4 },
    );
  });
});
