import { ConnectionReportResult } from "@tidemark/jobs";
import { testServer, waitFor } from "@tidemark/testkit";
import { expect, it } from "vitest";
import { testWorkplace } from "../test-worker.ts";

const mib = 1n << 20n;
/** It asks every ten seconds. */
const timeoutMs = 50_000;

it("asks a server that pushes how far it wrote, and says when it cannot be asked", async () => {
  await using source = await testServer({ walSegmentSizeMb: 1 });
  await using place = await testWorkplace();
  const { metadata } = place;
  await place.start();
  const repositoryId = await place.attachRepository();
  const intent = {
    kind: "add-server" as const,
    ...{ name: "main", repositoryId, policyId: null, retention: null, schedules: [] },
    ...{ sameSystemAs: null, firstBackup: false, isDemo: false },
  };
  const registered = await place.request("connection-test", {
    serverId: null,
    sealedDsn: await place.seal(source.dsn()),
    intent,
  });
  const { result } = await place.endedAs(registered.id, "succeeded");
  const serverId = ConnectionReportResult.parse(result).serverId ?? "";
  const server = await metadata.servers.update(serverId, { walMode: "push" });
  const row = async () => (await metadata.walReceivers.ofServers([serverId]))[0] ?? null;
  // What a receiver of it told before the mode was another does not count: the position is a new word.
  const asked = await waitFor(
    async () => {
      const found = await row();
      return found?.serverLsn != null && found.state === "streaming" && found.flushedLsn === null ? found : null;
    },
    { what: "its position", timeoutMs },
  );
  expect(asked.error).toBeNull();

  const startLsn = (asked.serverLsn ?? 0n) - ((asked.serverLsn ?? 0n) % mib);
  await metadata.wal.recordSegments([
    {
      ...{ serverId, repositoryId, systemIdentifier: server?.systemIdentifier ?? "", timeline: 1, startLsn },
      ...{ sizeBytes: Number(mib), storedBytes: 1n, firstCommit: null, lastCommit: null, commitCount: 0 },
      ...{ restorePoints: [], lastRecordEnd: null, source: "push" },
    },
  ]);
  const archived = await waitFor(
    async () => {
      const found = await row();
      return found?.flushedLsn === startLsn + mib && found.caughtUpAt !== null ? found : null;
    },
    { what: "the end of what it pushed", timeoutMs },
  );
  expect(archived.state).toBe("streaming");

  await source.stop({ mode: "immediate" });
  const silent = await waitFor(
    async () => {
      const found = await row();
      return found?.state === "waiting" ? found : null;
    },
    { what: "the word that it cannot be asked", timeoutMs },
  );
  expect(silent.error?.message).toContain("127.0.0.1");
  // What it told before stays known.
  expect(silent.serverLsn).toBe(archived.serverLsn);
});
