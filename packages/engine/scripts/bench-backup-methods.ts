/**
 * Measures one backup of the same server by each method, each into an empty repository: `node
 * packages/engine/scripts/bench-backup-methods.ts [MiB]`. Prints one line per method, in MiB/s of what the server holds.
 */
import { testServer } from "@tidemark/testkit";
import type { BackupSource } from "../src/backup/backup-source.ts";
import { engineRig, filesFrom, streamFrom } from "../src/engine-rig.ts";

const megabytes = Number(process.argv[2] ?? 512);

await using server = await testServer({ settings: { autovacuum: false } });
// About 100 bytes a row: text that compresses by half, as tables do.
await server.query(
  `CREATE TABLE filler AS
     SELECT n, md5(n::text) AS one, repeat(chr(65 + n % 26), 30) AS two FROM generate_series(1, ${megabytes * 10_000}) AS n`,
);
await server.query("CHECKPOINT");

await measure("stream", streamFrom(server.dsn()));
for (const readers of [1, 2, 4]) await measure(`read-files, ${readers} readers`, filesFrom(server.dsn(), { readers }));
await measure("local-files", filesFrom(server.dsn(), { dataDirectory: server.dataDir }));

async function measure(name: string, source: BackupSource): Promise<void> {
  await using rig = await engineRig();
  const startedAt = performance.now();
  const { plainBytes } = await rig.backupFrom(source);
  const seconds = (performance.now() - startedAt) / 1000;
  const size = Number(plainBytes) / 1024 ** 2;
  console.log(
    `${name.padEnd(24)} ${size.toFixed(0)} MiB in ${seconds.toFixed(1)} s, ${(size / seconds).toFixed(0)} MiB/s`,
  );
}
