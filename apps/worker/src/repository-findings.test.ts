import type { KeySlotRow, RepositoryRow } from "@tidemark/metadata";
import { expect, it } from "vitest";
import { repositoryFindings } from "./repository-findings.ts";

const row = {
  id: "rep_1",
  name: "main",
  formatId: "rep_1",
  encrypted: false,
  state: "ready",
  freeBytes: null,
  totalBytes: null,
  exclusiveCreate: true,
} as RepositoryRow;

it("asks for one control plane only where the store cannot create exclusively, and not before that was tried", () => {
  const checks = (exclusiveCreate: boolean | null) =>
    repositoryFindings({ ...row, exclusiveCreate }).map(({ checkId }) => checkId);
  expect(checks(false)).toEqual(["repository-shared-writes"]);
  expect(checks(true)).toEqual([]);
  expect(checks(null)).toEqual([]);
});

it("names the hosts whose key is from before a rotation, and no key that opens everything", () => {
  const slot = (ownerId: string, walOf: string | null, keyId: string) =>
    ({
      ownerId,
      walOf,
      keyId,
      label: walOf === null ? null : `host ${ownerId} of orders`,
      current: keyId === "key_2",
    }) as KeySlotRow;
  const found = (keySlots: readonly KeySlotRow[] | null) => repositoryFindings({ ...row, keySlots });
  const own = [slot("own_w", null, "key_1"), slot("own_w", null, "key_2")];
  // Somebody's passphrase was not given to the rotation: it opens what it did, which its list of keys tells.
  expect(found([...own, slot("own_p", null, "key_1")])).toEqual([]);
  expect(found([...own, slot("own_a", "srv_1", "key_1"), slot("own_a", "srv_1", "key_2")])).toEqual([]);
  expect(found(null)).toEqual([]);
  const [one] = found([...own, slot("own_a", "srv_1", "key_1"), slot("own_b", "srv_1", "key_2")]);
  expect(one).toMatchObject({
    checkId: "host-key-outdated",
    title: "Give a database host a new key of main",
    found: "from before the last rotation of main: host own_a of orders (key own_a)",
    remedy: { advice: expect.stringMatching(/host-config SERVER --to FILE --replace.*key remove main KEY/) },
  });
  // Two data keys of before are one host.
  const [two] = found([
    slot("own_a", "srv_1", "key_0"),
    slot("own_a", "srv_1", "key_1"),
    slot("own_c", "srv_2", "key_1"),
  ]);
  expect(two?.title).toBe("Give 2 database hosts a new key of main");
});
