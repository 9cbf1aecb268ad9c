import { expect, it } from "vitest";
import { type InstantDraft, readDraft } from "./restore-instant.ts";

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
