import { type AzuriteServer, azuriteServer } from "@tidemark/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { everyRow, type TestWorkplace, testWorkplace } from "./test-worker.ts";

describe("a repository in an object store", () => {
  let place: TestWorkplace;
  let store: AzuriteServer;
  let container: { at(prefix: string): string };
  beforeAll(async () => {
    [place, store] = await Promise.all([testWorkplace(), azuriteServer()]);
    container = await store.newContainer("vault");
    await place.start();
  });
  afterAll(async () => {
    await place?.[Symbol.asyncDispose]();
    await store?.[Symbol.asyncDispose]();
  });

  async function attach(name: string, url: string, credentials: string | null) {
    const sealedStoreCredentials = credentials === null ? null : await place.seal(credentials);
    const { id } = await place.metadata.repositories.create({ name, url, encrypted: true, sealedStoreCredentials });
    const request = { repositoryId: id, url, encrypted: true, sealedKey: null };
    return { id, run: await place.request("attach-repository", request, { repositoryId: id }) };
  }

  it("is attached with credentials of its own, which no row, log line or event shows", async () => {
    const { id, run } = await attach("main", container.at("own"), `account_key = ${store.accountKey}\n`);
    const { result } = await place.endedAs(run.id, "succeeded");
    expect(result).toMatchObject({ encrypted: true, exclusiveCreate: true });
    expect((await place.metadata.repositories.get(id))?.exclusiveCreate).toBe(true);
    expect(await place.metadata.repositories.get(id)).toMatchObject({ state: "ready", freeBytes: null });
    expect(await everyRow(place)).not.toContain(store.accountKey);
  });

  it("says what is wrong with them, and takes new ones", async () => {
    const { id, run } = await attach("wrong", container.at("wrong"), `account_key = ${"QUFB".repeat(22)}\n`);
    const failed = await place.endedAs(run.id, "failed");
    expect(failed.error?.code).toMatch(/^storage-(credentials-wrong|denied)$/);
    expect((await place.metadata.repositories.get(id))?.state).toBe("failed");
    await place.metadata.repositories.setStoreCredentials(id, await place.seal(`account_key = ${store.accountKey}`));
    const request = { repositoryId: id, url: container.at("wrong"), encrypted: true, sealedKey: null };
    const again = await place.request("attach-repository", request, { repositoryId: id });
    await place.endedAs(again.id, "succeeded");
  });

  it("is not opened without any", async () => {
    const { run } = await attach("none", container.at("none"), null);
    expect((await place.endedAs(run.id, "failed")).error?.code).toBe("storage-credentials-missing");
  });
});
