import { createLogger } from "@tidemark/kit/logger";
import { type TestServer, testServer } from "@tidemark/testkit";
import { migrate } from "./migrate.ts";
import { type Metadata, openMetadata } from "./open-metadata.ts";

/** For integration tests: a server, a migrated database, and the stores on it. */
export interface TestMetadata extends AsyncDisposable {
  readonly server: TestServer;
  readonly url: string;
  readonly metadata: Metadata;
  /** A repository, a policy and a server, as ids. */
  seed(name?: string): Promise<Seed>;
}

export interface Seed {
  readonly serverId: string;
  readonly repositoryId: string;
  readonly policyId: string;
}

export async function testMetadata(): Promise<TestMetadata> {
  const server = await testServer({ settings: { max_connections: 60 } });
  await server.query("CREATE DATABASE tidemark");
  const url = server.dsn({ database: "tidemark" });
  await migrate(url);
  const metadata = openMetadata({ url, logger: createLogger({ name: "test", level: "silent" }) });
  return {
    server,
    url,
    metadata,
    seed: async (name = "main") => {
      const repository = await metadata.repositories.create({ name, url: `file:///srv/${name}`, encrypted: true });
      const registered = await metadata.servers.register({
        name,
        sealedDsn: "c2VhbGVk",
        connection: "postgresql://backup@db.example/postgres",
        repositoryId: repository.id,
        policy: { create: { name, keepLast: 3 } },
        schedules: [{ kind: "backup", cron: "0 3 * * *", zone: "Europe/Berlin" }],
      });
      return { serverId: registered.id, repositoryId: repository.id, policyId: registered.policyId };
    },
    [Symbol.asyncDispose]: async () => {
      await metadata.close();
      await server[Symbol.asyncDispose]();
    },
  };
}
