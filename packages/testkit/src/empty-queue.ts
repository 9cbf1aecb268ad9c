import type { TestServer } from "./test-server.ts";
import { waitFor } from "./wait-for.ts";

/** Takes everything out of the queue that a database keeps, as one has it that was restored without it. */
export async function emptyQueue(server: TestServer, database: string): Promise<void> {
  const tables = await server.query<{ name: string }>(
    "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname = 'bullmq' AND tablename NOT LIKE '%migration%'",
    [],
    { database },
  );
  const truncate = `TRUNCATE ${tables.map(({ name }) => name).join(", ")} CASCADE`;
  // Workers lock the same tables in another order: PostgreSQL may choose this statement to end a deadlock (40P01).
  await waitFor(
    async () => {
      await server.query(truncate, [], { database });
      return true;
    },
    { what: "the queue to be emptied" },
  );
}
