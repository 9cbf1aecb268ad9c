import { newId } from "@tidemark/kit";
import { runKinds as metadataKinds } from "@tidemark/metadata";
import { describe, expect, it } from "vitest";
import { queueNames } from "./job.ts";
import { queueOfRun, runJob, scheduleTick } from "./run-jobs.ts";
import { parseRunRequest, runKinds } from "./run-requests.ts";

describe("run jobs", () => {
  it("gives every kind of run the database admits a request, a queue and a job of its name", () => {
    expect([...runKinds].sort()).toEqual([...metadataKinds].sort());
    for (const kind of runKinds) {
      expect(queueNames).toContain(queueOfRun[kind]);
      expect(runJob(kind)).toMatchObject({ name: kind, queue: queueOfRun[kind] });
    }
  });

  it("carries nothing but the id, and the id is the job's", () => {
    const runId = newId("run");
    const job = runJob("backup");
    expect(job.payload.parse({ runId, dsn: "postgresql://…" })).toEqual({ runId });
    expect(job.jobId({ runId })).toBe(runId);
    expect(() => job.payload.parse({ runId: newId("server") })).toThrow();
    expect(() => scheduleTick.payload.parse({ scheduleId: runId })).toThrow();
  });

  it("refuses a request that no version of ours wrote", () => {
    expect(parseRunRequest("collect", { serverId: "srv_1" })).toEqual({ serverId: "srv_1" });
    expect(() => parseRunRequest("backup", { serverId: "srv_1" })).toThrow();
  });
});
