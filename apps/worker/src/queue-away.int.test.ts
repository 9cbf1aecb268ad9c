import { openQueues } from "@tidemark/jobs";
import { Secret } from "@tidemark/kit";
import { createLogger } from "@tidemark/kit/logger";
import { redisServer, waitFor } from "@tidemark/testkit";
import { expect, it } from "vitest";
import { testWorkplace } from "./test-worker.ts";

it("waits for Redis that is away at its start, says so, and begins runs when it comes", async () => {
  await using redis = await redisServer();
  await redis.kill();
  await using place = await testWorkplace();
  const { metadata } = place;
  await place.start({ redisUrl: new Secret(redis.url) });
  const finding = async () => (await metadata.findings.open()).find(({ checkId }) => checkId === "queue-unreachable");
  const found = await waitFor(finding, { what: "the finding" });
  expect(found).toMatchObject({ subjectId: "instance", severity: "blocks-backup" });
  // It lives and does what needs no queue.
  expect(await metadata.workers.list()).toMatchObject([{ alive: true }]);

  const path = `file://${place.home.join("repository")}`;
  const { id } = await metadata.repositories.create({ name: "main", url: path, encrypted: true });
  const request = { repositoryId: id, url: path, encrypted: true, sealedKey: null };
  const { run } = await metadata.runs.create({
    ...{ kind: "attach-repository", request, requestedBy: "user:test", repositoryId: id },
  });
  await redis.start();
  const queues = await openQueues({ redisUrl: redis.url }, { logger: createLogger({ name: "test", level: "silent" }) });
  try {
    await queues.ring(run.id, run.kind);
    await place.endedAs(run.id, "succeeded");
    await waitFor(async () => (await finding()) === undefined, { what: "the finding to be resolved" });
  } finally {
    await queues.close();
  }
});
