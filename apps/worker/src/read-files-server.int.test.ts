import { ConnectionReportResult, parseRunRequest, type RunRequest } from "@tidemark/jobs";
import { roleScript } from "@tidemark/postgres";
import { type TestServer, testServer, waitFor } from "@tidemark/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type TestWorkplace, testWorkplace } from "./test-worker.ts";

/** A server whose pg_hba.conf lets nobody replicate, and a role that may read its files. */
let server: TestServer;
let place: TestWorkplace;
let repositoryId: string;

beforeAll(async () => {
  place = await testWorkplace();
  server = await testServer({
    hba: "host replication all 0.0.0.0/0 reject\nhost all all 127.0.0.1/32 scram-sha-256\n",
  });
  await server.query("CREATE TABLE numbers AS SELECT n FROM generate_series(1, 1000) AS n");
  await server.query("CREATE ROLE reader PASSWORD 'reads'");
  await place.start({ inspectEveryMs: 0 });
  repositoryId = await place.attachRepository();
});

afterAll(async () => {
  await place[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

it("refuses a server without the replication protocol whose files may not be read either", async () => {
  await server.query(roleScript({ major: 18, role: "reader", purpose: "backup", database: "postgres" }));
  const run = await place.request("connection-test", await addRequest());
  expect((await place.endedAs(run.id, "failed")).error?.code).toBe("hba-entry-missing");
});

it("backs up a server without the replication protocol by reading its files, from its first backup on", async () => {
  await server.query(roleScript({ major: 18, role: "reader", purpose: "operate", database: "postgres" }));
  const run = await place.request("connection-test", await addRequest());
  const added = await place.endedAs(run.id, "succeeded");
  const report = ConnectionReportResult.parse(added.result);
  expect(report.ok).toBe(true);
  const step = report.steps.find((one) => one.step === "replication");
  expect(step).toMatchObject({ state: "warning", detail: expect.stringContaining("taken by reading files") });
  expect(report.checks.filter((check) => check.state === "found" && check.severity === "blocks-backup")).toEqual([]);
  expect(report.checks.find((check) => check.id === "replication-protocol")).toMatchObject({
    state: "found",
    severity: "note",
  });

  const serverId = added.serverId ?? "";
  expect(await place.metadata.servers.get(serverId)).toMatchObject({ backupMethod: "read-files" });
  const first = await waitFor(
    async () => (await place.metadata.runs.list({ serverId, kinds: ["backup"] }, { first: 1 })).rows[0] ?? null,
    { what: "the first backup" },
  );
  expect(parseRunRequest("backup", first.request).method).toBe("read-files");
  await place.endedAs(first.id, "succeeded");

  // A role that could not replicate anyway is as good.
  await server.query("ALTER ROLE reader NOREPLICATION");
  const again = await place.request("connection-test", { ...(await addRequest()), intent: { kind: "test" } });
  const other = ConnectionReportResult.parse((await place.endedAs(again.id, "succeeded")).result);
  expect(other.ok).toBe(true);
  expect(other.steps.find((one) => one.step === "role")).toMatchObject({ state: "warning", error: null });

  // What it needs now is the right to read files, and an inspection says so.
  await server.query("REVOKE EXECUTE ON FUNCTION pg_read_binary_file(text, bigint, bigint, boolean) FROM reader");
  const inspection = await place.request("inspect", { serverId, checkIds: ["operate-privileges"] }, { serverId });
  expect((await place.endedAs(inspection.id, "succeeded")).result).toMatchObject({ blocksBackup: true });
});

async function addRequest(): Promise<RunRequest<"connection-test">> {
  return {
    serverId: null,
    sealedDsn: await place.seal(server.dsn({ user: "reader", password: "reads" })),
    intent: {
      kind: "add-server",
      name: "by-files",
      repositoryId,
      policyId: null,
      retention: null,
      schedules: [],
      sameSystemAs: null,
      firstBackup: true,
      isDemo: false,
    },
  };
}
