import { AppError, Secret } from "@tidemark/kit";
import { MemoryStore } from "@tidemark/storage";
import { generateX25519Identity } from "age-encryption";
import { describe, expect, it } from "vitest";
import { keysPrefix } from "../paths.ts";
import { deriveWalKey } from "../seal/wal-key.ts";
import { testKey } from "../test-repository.ts";
import type { RepositoryKey } from "../types.ts";
import { decodeSlot, encodeSlot } from "./key-slot.ts";
import { openSlots } from "./open-slots.ts";
import { ownerOf } from "./slot-writer.ts";

const repositoryId = "rep_1";
const dataKey = new Uint8Array(32).fill(4);
const secrets = { dataKey, fingerprintSeed: new Uint8Array(8).fill(5) };
const at = new Date("2026-04-05T06:07:08.000Z");
const later = new Date("2026-04-06T06:07:08.000Z");
const facts = {
  slot: "key_1",
  ownerId: "key_3",
  label: "the safe",
  walOf: null,
  keyId: "key_2",
  keyCreatedAt: at,
  createdAt: later,
};
/** Every byte of an age slot costs a curve multiplication in JavaScript; by default every ninth is tried. */
const ageStride = Number(process.env.TIDEMARK_DAMAGE_STRIDE ?? 9);

async function slotFor(key: RepositoryKey, walOf: string | null = null): Promise<Uint8Array> {
  let seed = 0;
  const randomBytes = (length: number): Uint8Array => new Uint8Array(length).fill(++seed);
  const passphraseCost = { memoryKib: 8, passes: 1, parallelism: 1 };
  const owner = await ownerOf(key);
  return encodeSlot({ repositoryId, facts: { ...facts, walOf }, secrets, owner, randomBytes, passphraseCost });
}

type Verdict = "found" | "said" | "irrelevant";

/** `said`: it opens as it was, and a note tells. `irrelevant`: another spelling of the same (base64's last bits, blanks). */
async function judge(
  original: Uint8Array,
  changed: Uint8Array,
  key: RepositoryKey,
  walOf: string | null = null,
): Promise<Verdict> {
  const store = new MemoryStore();
  await store.put(`${keysPrefix}key_1`, changed);
  try {
    const { keys, wal, notes } = await openSlots(store, repositoryId, key);
    if (walOf === null) expect(keys.map((slot) => slot.secrets)).toEqual([secrets]);
    else expect([keys, wal.map((slot) => slot.wal.walKey)]).toEqual([[], [deriveWalKey(repositoryId, walOf, dataKey)]]);
    expect([...keys, ...wal].map((slot) => [slot.facts.keyId, slot.facts.walOf])).toEqual([["key_2", walOf]]);
    if (notes.length > 0) return "said";
    expect(decodeSlot(changed, "key_1", repositoryId)).toEqual(decodeSlot(original, "key_1", repositoryId));
    return "irrelevant";
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    expect(["repository-key-wrong", "object-damaged"]).toContain(error.code);
    return "found";
  }
}

describe("a key slot with one byte changed", async () => {
  const identity = new Secret(await generateX25519Identity());
  const cases: readonly [string, RepositoryKey, number, string | null][] = [
    ["key file", testKey, 1, null],
    ["key file for the WAL of one server", testKey, 1, "srv_1"],
    ["passphrase", { kind: "passphrase", text: new Secret("correct horse") }, 1, null],
    ["age identity", { kind: "age-identity", text: identity }, ageStride, null],
  ];
  it.each(cases)("is found, or opens as it was and says so: %s", async (_, key, stride, walOf) => {
    const original = await slotFor(key, walOf);
    const count: Record<Verdict, number> = { found: 0, said: 0, irrelevant: 0 };
    for (let byte = 0; byte < original.length; byte += stride) {
      const changed = original.slice();
      changed[byte] = (changed[byte] ?? 0) ^ 1;
      count[await judge(original, changed, key, walOf)]++;
    }
    expect(count.found).toBeGreaterThan(original.length / stride / 2);
    // The version (1 may be 0), and what base64 does not read: the filling at the end of three texts and bits before it.
    expect(count.irrelevant).toBeLessThanOrEqual(1 + 3 * 3);
  });

  it.each(cases)("is found wherever it is cut off: %s", async (_, key, _stride, walOf) => {
    const original = await slotFor(key, walOf);
    // Without its line end it is whole.
    for (let length = 0; length < original.length - 1; length += 13) {
      expect(await judge(original, original.slice(0, length), key)).toBe("found");
    }
  });

  it("does not hinder another slot, and is told of", async () => {
    const store = new MemoryStore();
    const original = await slotFor(testKey);
    await store.put(`${keysPrefix}key_1`, original);
    await store.put(`${keysPrefix}key_0`, original.slice(0, 40));
    const unknown = { ...(JSON.parse(Buffer.from(original).toString()) as object), slot: "key_9", kind: "smart-card" };
    await store.put(`${keysPrefix}key_9`, new Uint8Array(Buffer.from(JSON.stringify(unknown))));
    const { keys, notes } = await openSlots(store, repositoryId, testKey);
    expect(keys.length).toBe(1);
    expect(notes).toEqual([
      expect.stringMatching(/key slot key_0 was passed over: it is damaged/),
      expect.stringMatching(/key slot key_9 was passed over: its kind smart-card is not known/),
    ]);
  });
});
