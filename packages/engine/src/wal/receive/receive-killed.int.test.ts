import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { createRepository } from "@tidemark/repository";
import { FilesystemStore } from "@tidemark/storage";
import { tempDir, testServer, waitFor } from "@tidemark/testkit";
import { expect, it } from "vitest";
import { archivedCommits } from "./archived-commits.fixture.ts";
import type { ReceiverOrder } from "./receive-wal.child.ts";
import { compareWithServer, flushLsn, walServer } from "./received-wal.fixture.ts";

const kills = Number(process.env.TIDEMARK_KILLS ?? 2);
const childPath = fileURLToPath(new URL("./receive-wal.child.ts", import.meta.url));

function startChild(order: ReceiverOrder): ChildProcess {
  return spawn(process.execPath, [childPath, JSON.stringify(order)], { stdio: ["ignore", "inherit", "inherit"] });
}

async function kill(child: ChildProcess): Promise<void> {
  const exited = once(child, "exit");
  child.kill("SIGKILL");
  await exited;
}

it("has every commit that waited for it, whenever the receiver is killed, and takes over from one that hangs", async () => {
  await using server = await testServer(walServer);
  await using dir = await tempDir("killed");
  const repository = await createRepository(new FilesystemStore(dir.join("repository")), { encryption: "none" });
  await server.query("CREATE TABLE ledger (body text)");
  await server.query("ALTER SYSTEM SET synchronous_standby_names = 'tidemark_sync'");
  await server.query("SELECT pg_reload_conf()");

  const acknowledged: number[] = [];
  let isOver = false;
  const client = await server.client();
  const write = async (): Promise<void> => {
    // Some rows are large, so that segments end often.
    const text = "INSERT INTO ledger SELECT repeat(md5(random()::text), $1) RETURNING txid_current() AS xid";
    while (!isOver) {
      const { rows } = await client.query<{ xid: string }>(text, [acknowledged.length % 5 === 0 ? 3_000 : 3]);
      acknowledged.push(Number(rows[0]?.xid));
    }
  };
  const writing = write();
  const order = { dsn: server.dsn(), repository: dir.join("repository") };
  const [row] = await server.query<{ id: string }>("SELECT system_identifier::text AS id FROM pg_control_system()");
  const archive = repository.area("srv_test").wal(BigInt(row?.id ?? 0));
  const running: ChildProcess[] = [];
  try {
    for (let n = 0; n <= kills; n++) {
      const child = startChild({ ...order, writer: `child-${n}` });
      running.push(child);
      const enough = acknowledged.length + 5 + Math.floor(Math.random() * 60);
      await waitFor(() => acknowledged.length >= enough, { what: "commits to be acknowledged" });
      // The first one hangs, and the next takes its place; all others die.
      if (n === 0) child.kill("SIGSTOP");
      else await kill(child);
      const known = [...acknowledged];
      const { xids, problem } = await archivedCommits(archive, server.major);
      expect(known.filter((xid) => !xids.has(xid))).toEqual([]);
      // What was being written when it died ends anywhere; what is there is right up to its end.
      expect(problem).toBeNull();
    }
    running.push(startChild({ ...order, writer: "child-last" }));
    const enough = acknowledged.length + 5;
    await waitFor(() => acknowledged.length >= enough, { what: "commits to be acknowledged" });
    isOver = true;
    await writing;
    const verdict = await compareWithServer(archive, server.dataDir, 1);
    expect(verdict.problems).toEqual([]);
    expect(await flushLsn(server)).toBeGreaterThanOrEqual(verdict.endLsn);
  } finally {
    isOver = true;
    for (const child of running) if (child.exitCode === null && child.signalCode === null) await kill(child);
    await server.stop({ mode: "immediate" });
    await writing.catch(() => undefined);
    await repository.close();
  }
});
