import { randomBytes } from "node:crypto";
import { newId } from "@tidemark/kit";
import { type BackupFacts, type BackupWriter, createRepository, type ServerArea } from "@tidemark/repository";
import { MemoryStore } from "@tidemark/storage";
import { fakeClock } from "@tidemark/testkit";
import { describe, expect, it } from "vitest";
import type { ActControl, ActEvent } from "../act.ts";
import { createBackupEncoder } from "./backup-encoder.ts";
import { findStoredFrames, reportSalvage } from "./stored-frames.ts";

describe("what is there when a backup begins", () => {
  it("is used again when an earlier run died, and the run says how much", async () => {
    const clock = fakeClock();
    let dying = true;
    const onStep = (step: string): void => {
      if (dying && step === "manifest:before-put") throw new Error("killed");
    };
    const store = new MemoryStore(clock);
    const repository = await createRepository(store, { encryption: "none", clock, onStep });
    const area = repository.area("srv_test");
    const encoder = createBackupEncoder({ threads: 1 });
    const events: ActEvent[] = [];
    const control: ActControl = { signal: new AbortController().signal, emit: (event) => events.push(event) };
    const bytes = new Uint8Array(randomBytes(300_000));
    const begin = async (area: ServerArea, backupId: string, salvageFrom: readonly string[]): Promise<BackupWriter> => {
      const writer = await area.beginBackup({ backupId, parentId: null, startedAt: clock.now(), encoder, salvageFrom });
      const path = Buffer.from("base/5/1259");
      const file = await writer.addFile({ path, mode: 0o600, sizeBytes: 300_000n, modifiedAt: clock.now() });
      await file.write(bytes);
      await file.end();
      return writer;
    };
    const dead = newId("backup");
    await expect((await begin(area, dead, [])).commit({} as BackupFacts)).rejects.toThrow("killed");
    dying = false;

    expect(await findStoredFrames(area, [], control)).toMatchObject({ salvageFrom: [] });
    const found = await findStoredFrames(area, [dead], control);
    expect(found.salvageFrom).toEqual([dead]);
    clock.advance(2 * 3_600_000);
    // Two hours without a sign of life: nobody has to say that it ended.
    expect((await findStoredFrames(area, [], control)).salvageFrom).toEqual([dead]);

    const writer = await begin(area, newId("backup"), found.salvageFrom ?? []);
    await writer.drain();
    reportSalvage(writer, found.salvageFrom ?? [], control);
    expect(writer.salvagedBytes).toBe(300_000n);
    const said = events.flatMap((event) => (event.kind === "log" ? [event.message] : []));
    expect(said[0]).toContain(`${dead} was interrupted and left`);
    expect(said.at(-1)).toContain(`were found in what ${dead} had stored`);
    await writer.abort();
    await encoder.close();
    await repository.close();
  });
});
