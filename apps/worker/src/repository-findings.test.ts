import type { RepositoryRow } from "@tidemark/metadata";
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
