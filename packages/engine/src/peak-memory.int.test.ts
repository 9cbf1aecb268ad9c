import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { boundedMemory } from "@tidemark/kit";
import { type TestServer, testServer } from "@tidemark/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

describe("a cluster larger than 400 MiB", () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await testServer();
    await server.query(
      "CREATE TABLE wide AS SELECT g AS id, repeat(md5(g::text), 30) AS body FROM generate_series(1, 60000) g",
    );
    // A data directory may hold any file, and a base backup copies it: the cheapest way to a large cluster.
    await writeBallast(join(server.dataDir, "ballast"), 400);
  });
  afterAll(async () => server?.[Symbol.asyncDispose]());

  it.each(["stream", "files"])(
    "is backed up (%s; by stream also verified and restored) within 400 MiB, no slice over 200 ms",
    async (way) => {
      const script = new URL("./peak-memory.child.ts", import.meta.url).pathname;
      const args = [...boundedMemory.nodeFlags, script, server.dsn(), way];
      const { stdout } = await promisify(execFile)(process.execPath, args, {
        env: { ...process.env, ...boundedMemory.environment },
        timeout: 120_000,
      });
      const report = JSON.parse(stdout) as {
        ok: boolean;
        peaks: Record<string, number>;
        longestSliceMs: number;
        plainBytes: number;
      };
      expect(report.ok).toBe(true);
      expect(report.plainBytes).toBeGreaterThan(450 * 1024 * 1024);
      expect(Math.max(...Object.values(report.peaks)), JSON.stringify(report.peaks)).toBeLessThan(400);
      expect(report.longestSliceMs).toBeLessThan(200);
    },
  );
});

/** Half of each mebibyte cannot be compressed, and no two are alike. */
async function writeBallast(path: string, mebibytes: number): Promise<void> {
  const block = Buffer.alloc(1024 * 1024, "tidemark ");
  const handle = await open(path, "wx");
  try {
    for (let number = 0; number < mebibytes; number++) {
      randomBytes(512 * 1024).copy(block);
      await handle.write(block);
    }
    await handle.chmod(0o644);
  } finally {
    await handle.close();
  }
}
