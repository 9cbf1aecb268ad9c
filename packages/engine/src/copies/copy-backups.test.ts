import { createRepository } from "@tidemark/repository";
import { MemoryStore } from "@tidemark/storage";
import { fakeClock } from "@tidemark/testkit";
import { expect, it } from "vitest";
import type { ActControl } from "../act.ts";
import { storeBackup } from "../store-backup.fixture.ts";
import { executeCopies, planCopies } from "./copy-backups.ts";

const control: ActControl = { signal: new AbortController().signal, emit: () => undefined };
const all = { backupId: null, skipIds: [] };

it("refuses nothing for a backup that was damaged after it was copied", async () => {
  const clock = fakeClock("2026-03-01T00:00:00Z");
  const first = await createRepository(new MemoryStore(clock), { encryption: "none", clock });
  const second = await createRepository(new MemoryStore(clock), { encryption: "none", clock });
  const deps = { source: first.area("srv_test"), target: second.area("srv_test"), clock };
  const copied = await storeBackup(deps.source, clock, "day 0");
  await executeCopies(deps, await planCopies(deps, all), control);
  const lost = await storeBackup(deps.source, clock, "day 1");
  for (const backupId of [copied, lost]) {
    await deps.source.addMark(backupId, { kind: "damaged", text: "rot", by: "tidemark", at: clock.now() });
  }
  const plan = await planCopies(deps, all);
  expect(plan.refused).toEqual([{ backupId: lost, reason: "rot" }]);
  expect(plan.presentIds).toEqual([copied]);
  // What is damaged in both places is whole nowhere.
  await deps.target.addMark(copied, { kind: "damaged", text: "rot", by: "tidemark", at: clock.now() });
  expect((await planCopies(deps, all)).refused.map(({ backupId }) => backupId)).toEqual([lost, copied]);
});
