import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Major } from "@tidemark/local-postgres";
import { parsePgControl } from "@tidemark/postgres";
import { type TestServer, testServer, waitFor } from "@tidemark/testkit";
import type { EngineRig } from "../engine-rig.ts";
import { pushWal } from "../wal/push/push-wal.ts";

/** For tests: a server whose WAL gets into the rig's repository when it is told to. */
export interface ArchivedServer extends AsyncDisposable {
  readonly server: TestServer;
  readonly systemIdentifier: bigint;
  /** Ends the segment and archives all there is. */
  archive(): Promise<void>;
}

export async function archivedServer(rig: EngineRig, major: Major = 18): Promise<ArchivedServer> {
  const server = await testServer({
    major,
    walSegmentSizeMb: 1,
    settings: { archive_mode: "on", archive_command: "test -d ../archive && cp %p ../archive/%f" },
  });
  const path = await server.folder("archive");
  const control = parsePgControl(await readFile(join(server.dataDir, "global", "pg_control")));
  const { systemIdentifier } = control;
  const pushed = new Set<string>();
  return {
    server,
    systemIdentifier,
    async archive() {
      // Without a record in it there would be no switch, and the segment the server is in is not archived.
      await server.query("SELECT pg_create_restore_point('archived')");
      const [row] = await server.query<{ name: string }>("SELECT pg_walfile_name(pg_switch_wal()) AS name");
      const last = row?.name ?? "";
      await waitFor(
        async () => {
          const [done] = await server.query<{ name: string }>("SELECT last_archived_wal AS name FROM pg_stat_archiver");
          return (done?.name ?? "") >= last;
        },
        // The archiver rests for a minute where the folder was not there at its first three attempts.
        { what: `${last} in the archive`, timeoutMs: 120_000 },
      );
      for (const name of (await readdir(path)).sort()) {
        if (pushed.has(name)) continue;
        await pushWal({ owners: [{ area: rig.area, systemIdentifier }], writer: "test" }, join(path, name));
        pushed.add(name);
      }
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
