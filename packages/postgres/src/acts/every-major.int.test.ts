import { majors, standbyOf, type TestServer, testServer, waitFor } from "@tidemark/testkit";
import { afterAll, beforeAll, describe } from "vitest";
import { proveExpectedResults } from "../privileges/expected-results.fixture.ts";
import { proveActs } from "./acts-on-every-major.fixture.ts";

/** One primary and one standby a major for all of it: starting them costs more than what is asked of them. */
describe.each(majors)("PostgreSQL %i", (major) => {
  let primary: TestServer;
  let standby: TestServer;

  beforeAll(async () => {
    // The standby must be able to follow many switches and checkpoints in a row.
    primary = await testServer({ major, walSegmentSizeMb: 1, settings: { wal_keep_size: "128MB" } });
    standby = await standbyOf(primary);
    const streaming = "SELECT FROM pg_stat_replication WHERE state = 'streaming'";
    await waitFor(async () => (await primary.query(streaming)).length, { what: "the standby to stream" });
  });

  afterAll(async () => {
    await standby?.[Symbol.asyncDispose]();
    await primary?.[Symbol.asyncDispose]();
  });

  describe("privileges", () => {
    proveExpectedResults(major, () => ({ primary, standby }));
  });

  describe("acts", () => {
    proveActs(major, () => ({ primary, standby }));
  });
});
