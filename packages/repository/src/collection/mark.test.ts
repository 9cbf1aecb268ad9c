import { expect, it } from "vitest";
import { newTestRepository } from "../test-repository.ts";
import type { MarkKind, ServerArea } from "../types.ts";

const put = (area: ServerArea, kind: MarkKind, day: number) =>
  area.addMark("bak_1", { kind, text: `${kind} ${day}`, by: "dba", at: new Date(Date.UTC(2026, 0, day)) });
const textsOf = async (area: ServerArea) => (await area.marks("bak_1")).map(({ text }) => text);

it("keeps of verifications the newest alone, and everything else for ever", async () => {
  const { area } = await newTestRepository();
  await put(area, "hold", 1);
  await put(area, "verified", 2);
  await put(area, "damaged", 3);
  await put(area, "verified", 5);
  await put(area, "damaged", 6);
  // Of a clock that went back: it is not the newest.
  await put(area, "verified", 4);
  expect(await textsOf(area)).toEqual(["hold 1", "damaged 3", "verified 4", "verified 5", "damaged 6"]);
  await put(area, "verified", 7);
  expect(await textsOf(area)).toEqual(["hold 1", "damaged 3", "damaged 6", "verified 7"]);
});
