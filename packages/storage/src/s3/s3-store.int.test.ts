import { rgwServer, type S3Server, swiftServer } from "@tidemark/testkit";
import { afterAll, beforeAll, describe, it } from "vitest";
import { objectStoreContract } from "../contract-suite.ts";
import type { ObjectStore } from "../object-store.ts";
import { openStore } from "../open-store.ts";
import { parseStoreCredentials } from "../store-credentials.ts";

const servers: Record<string, S3Server | null> = {};

beforeAll(async () => {
  const starts = { swift: swiftServer(), ceph: rgwServer() };
  await Promise.allSettled(Object.values(starts));
  for (const [name, start] of Object.entries(starts)) servers[name] = await start;
});

afterAll(async () => {
  for (const server of Object.values(servers)) await server?.[Symbol.asyncDispose]();
});

for (const name of ["swift", "ceph"]) {
  describe(name, () => {
    let bucket: { at(prefix: string): string } | undefined;
    let number = 0;
    beforeAll(async () => {
      bucket = await servers[name]?.newBucket("contract-bucket");
    });
    for (const { guarantee, run } of objectStoreContract) {
      it(guarantee, async ({ skip }) => {
        const server = servers[name];
        if (bucket === undefined || server == null) return skip();
        await run(await open(server, bucket.at(`case-${number++}`)));
      });
    }
  });
}

function open(server: S3Server, url: string): Promise<ObjectStore> {
  const text = `access_key_id=${server.accessKeyId}\nsecret_access_key=${server.secretAccessKey}`;
  return openStore(url, { credentials: parseStoreCredentials(text) });
}
