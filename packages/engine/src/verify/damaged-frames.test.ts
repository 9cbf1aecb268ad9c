import { AppError } from "@tidemark/kit";
import type { ServerArea } from "@tidemark/repository";
import { describe, expect, it } from "vitest";
import { HitBackups } from "./damaged-frames.ts";

/** An area with three backups that all need frame 0 of one pack; one manifest cannot be had. */
function areaWith(code: "storage-unreachable" | "manifest-damaged" | "manifest-missing"): ServerArea {
  const area = {
    listBackups: async () => ["bak_1", "bak_2", "bak_3"].map((backupId) => ({ backupId, damaged: null })),
    openManifest: async (backupId: string) => {
      if (backupId === "bak_2") throw new AppError(code, { message: backupId });
      return { frameUse: async () => new Map([["pck_1", Uint8Array.of(1)]]) };
    },
  };
  return area as unknown as ServerArea;
}

describe("backups hit by a damaged frame", () => {
  it("are those whose manifests can be opened", async () => {
    for (const code of ["manifest-damaged", "manifest-missing"] as const)
      expect(await new HitBackups(areaWith(code)).using("pck_1", 0)).toEqual(["bak_1", "bak_3"]);
  });

  it("are not told while the store cannot be asked: one left out would count as verified", async () => {
    const asked = new HitBackups(areaWith("storage-unreachable")).using("pck_1", 0);
    await expect(asked).rejects.toMatchObject({ code: "storage-unreachable" });
  });
});
