import { expect, it } from "vitest";
import { askedTarget, type InstantDraft, linkedDraft, readDraft } from "./restore-instant.ts";

const draft: InstantDraft = {
  kind: "TIME",
  text: "2026-11-21 14:02:31",
  zone: "Europe/Berlin",
  inclusive: true,
  timeline: "",
  action: "PROMOTE",
  standby: false,
};

it("asks for what the kind needs, and for nothing else", () => {
  expect(readDraft(draft)).toEqual({
    kind: "TIME",
    at: "2026-11-21T13:02:31.000Z",
    inclusive: true,
    action: "PROMOTE",
  });
  expect(readDraft({ ...draft, kind: "LATEST", text: "", timeline: "3" })).toEqual({
    kind: "LATEST",
    timeline: 3,
    action: "PROMOTE",
  });
  expect(readDraft({ ...draft, kind: "XID", text: " 742 ", inclusive: false, standby: true })).toEqual({
    kind: "XID",
    xid: "742",
    inclusive: false,
    standby: true,
  });
});

it("says what is wrong in a sentence", () => {
  expect(readDraft({ ...draft, text: "noon" })).toMatch(/2026-11-21 14:02:31/);
  expect(readDraft({ ...draft, kind: "LSN", text: "16B374D848" })).toMatch(/LSN/);
  expect(readDraft({ ...draft, kind: "XID", text: "-1" })).toMatch(/number/);
  expect(readDraft({ ...draft, kind: "NAME", text: " " })).toMatch(/restore point/);
});

const linked = { at: null, xid: "742", lsn: "16/B374D848", inclusive: false, timeline: "3" };

it("begins with what the address names", () => {
  expect(linkedDraft(linked)).toMatchObject({ kind: "XID", text: "742", inclusive: false, timeline: "3" });
  const instant = { ...linked, xid: null, lsn: null, at: "2026-11-21T13:02:31.250Z" };
  expect(linkedDraft(instant)).toMatchObject({ kind: "TIME", text: instant.at, inclusive: false });
  expect(linkedDraft({ ...instant, at: null })).toMatchObject({ kind: "LATEST", text: "", inclusive: true });
});

it("says where the linked transaction ended, until another is written", () => {
  const written = (text: string) => {
    const recovery = readDraft({ ...draft, ...linkedDraft(linked), text });
    if (typeof recovery === "string") throw new Error(recovery);
    return askedTarget(recovery, linked);
  };
  expect(written("742")).toMatchObject({ kind: "XID", xid: "742", inclusive: false, timeline: 3, lsn: "16/B374D848" });
  expect(written("743")).not.toHaveProperty("lsn");
  expect(written("742")).not.toHaveProperty("standby");
});
