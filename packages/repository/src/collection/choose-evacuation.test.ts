import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { AreaUsage, PackUsage } from "./area-usage.ts";
import { chooseEvacuation, defaultEvacuationLimits } from "./choose-evacuation.ts";

const pack = (packId: string, live: number, newest = live, held = 0, stored = 100): PackUsage => ({
  packId,
  storedBytes: stored,
  liveBytes: live,
  newestBytes: newest,
  heldBytes: held,
});

function usage(byPack: readonly PackUsage[]): AreaUsage {
  const storedBytes = byPack.reduce((sum, one) => sum + BigInt(one.storedBytes), 0n);
  const liveBytes = byPack.reduce((sum, one) => sum + BigInt(one.liveBytes), 0n);
  return { packs: byPack.length, storedBytes, liveBytes, deadBytes: storedBytes - liveBytes, mostlyDead: [], byPack };
}

describe("the packs the next backup empties", () => {
  it.each([
    ["nothing while less than a fifth is dead", [pack("a", 81), pack("b", 100)], []],
    [
      "the pack that frees most for each byte copied, until few enough are left",
      [pack("a", 90), pack("b", 10), pack("c", 80)],
      ["b"],
    ],
    ["not what a backup under a hold pins", [pack("a", 10, 10, 5), pack("b", 30)], ["b"]],
    ["not what only older backups need: it goes with them", [pack("a", 10, 0), pack("b", 30)], ["b"]],
    ["not what nobody needs: the collection removes it", [pack("a", 0, 0), pack("b", 90)], []],
    ["the older of two equals", [pack("b", 50), pack("a", 50), pack("c", 100), pack("d", 100)], ["a"]],
  ])("are %s", (_, packs, expected) => {
    expect(chooseEvacuation(usage(packs)).packIds).toEqual(expected);
  });

  it("are no more than one backup can bear", () => {
    const packs = Array.from({ length: 100 }, (_, index) => pack(`p${String(index).padStart(3, "0")}`, 50));
    const limits = { ...defaultEvacuationLimits, copiedBytes: 0 };
    const chosen = chooseEvacuation(usage(packs), limits);
    // A tenth of what is stored: 1,000 bytes of packs that keep 50 each.
    expect(chosen).toMatchObject({ copiedBytes: 1_000, freedBytes: 1_000, deadShare: 0.5 });
    expect(chosen.packIds.length).toBe(20);
  });

  it("bring the share below the limit wherever packs that help are left, backup after backup", () => {
    const packs = fc.array(
      fc.record({
        stored: fc.integer({ min: 1, max: 1_000 }),
        live: fc.nat(100),
        held: fc.boolean(),
        old: fc.boolean(),
      }),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(packs, (drawn) => {
        let area = drawn.map(({ stored, live, held, old }, index) => {
          const liveBytes = Math.floor((stored * live) / 100);
          return pack(
            `p${String(index).padStart(3, "0")}`,
            liveBytes,
            old ? 0 : liveBytes,
            held ? liveBytes : 0,
            stored,
          );
        });
        for (let backup = 0; backup < 60; backup++) {
          const chosen = chooseEvacuation(usage(area), { ...defaultEvacuationLimits, copiedBytes: 1_000 });
          if (chosen.packIds.length === 0) break;
          const gone = new Set(chosen.packIds);
          // Only what was chosen goes, and what it held is stored in one new pack.
          area = [
            ...area.filter(({ packId }) => !gone.has(packId)),
            pack(`q${backup}`, chosen.copiedBytes, chosen.copiedBytes, 0, chosen.copiedBytes),
          ];
        }
        const end = chooseEvacuation(usage(area));
        const helpful = area.filter(
          (one) => one.newestBytes > 0 && one.heldBytes === 0 && one.liveBytes < one.storedBytes,
        );
        expect(end.deadShare < 0.2 || helpful.length === 0).toBe(true);
      }),
    );
  });
});
