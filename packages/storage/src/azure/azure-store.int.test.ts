import { Secret } from "@tidemark/kit";
import { type AzuriteServer, azuriteServer } from "@tidemark/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { objectStoreContract } from "../contract-suite.ts";
import { openStore } from "../open-store.ts";
import type { StoreCredentials } from "../store-credentials.ts";

let server: AzuriteServer;
let container: { at(prefix: string): string };

beforeAll(async () => {
  server = await azuriteServer();
  container = await server.newContainer("contract");
});

afterAll(() => server?.[Symbol.asyncDispose]());

const key = (): StoreCredentials => ({ kind: "azure-key", accountKey: new Secret(server.accountKey) });

describe("Azure Blob", () => {
  let number = 0;
  for (const { guarantee, run } of objectStoreContract) {
    it(guarantee, async () => {
      await run(await openStore(container.at(`case-${number++}`), { credentials: key() }));
    });
  }

  it("can create exclusively, and opens by connection string as by key", async () => {
    const connectionString = new Secret(server.connectionString);
    const credentials = { kind: "azure-connection-string", connectionString } as const;
    const store = await openStore("az://contract/by-string", { credentials });
    expect(await store.probe()).toMatchObject({ exclusiveCreate: true, writable: true });
    await store.put("a", new Uint8Array(3));
    const other = await openStore(container.at("by-string"), { credentials: key() });
    expect(await other.stat("a")).toMatchObject({ sizeBytes: 3 });
  });

  it("opens by a shared access signature, and says when it ended, was for reading only, or is of another key", async () => {
    const store = await openStore(container.at("signed"), { credentials: await signed("racwdl", 3_600_000) });
    await store.put("a/b", new Uint8Array(3));
    expect(await store.listPrefixes("")).toEqual(["a"]);
    const ended = await openStore(container.at("signed"), { credentials: await signed("racwdl", -60_000) });
    await expect(ended.get("a/b")).rejects.toMatchObject({
      code: expect.stringMatching(/^storage-(credentials|denied)/),
    });
    const reader = await openStore(container.at("signed"), { credentials: await signed("rl", 3_600_000) });
    expect((await reader.probe()).writable).toBe(false);
    const accountKey = new Secret(Buffer.alloc(64, 1).toString("base64"));
    const wrong = await openStore(container.at("signed"), { credentials: { kind: "azure-key", accountKey } });
    await expect(wrong.stat("a/b")).rejects.toMatchObject({
      code: expect.stringMatching(/^storage-(credentials-wrong|denied)$/),
    });
  });

  it("tells a missing container from a missing blob", async () => {
    const store = await openStore(container.at("x").replace("contract", "nowhere"), { credentials: key() });
    await expect(store.stat("a")).rejects.toMatchObject({ code: "storage-bucket-missing" });
    await expect(store.get("a")).rejects.toMatchObject({ code: "storage-bucket-missing" });
    await expect(store.delete("a")).rejects.toMatchObject({ code: "storage-bucket-missing" });
  });
});

async function signed(permissions: string, lifetimeMs: number): Promise<StoreCredentials> {
  const { ContainerSASPermissions, generateBlobSASQueryParameters, StorageSharedKeyCredential } = await import(
    "@azure/storage-blob"
  );
  const sas = generateBlobSASQueryParameters(
    {
      containerName: "contract",
      permissions: ContainerSASPermissions.parse(permissions),
      startsOn: new Date(Date.now() - 7_200_000),
      expiresOn: new Date(Date.now() + lifetimeMs),
    },
    new StorageSharedKeyCredential(server.account, server.accountKey),
  );
  return { kind: "azure-sas", sas: new Secret(sas.toString()) };
}
