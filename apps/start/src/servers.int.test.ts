import { spawn } from "node:child_process";
import { once } from "node:events";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { identifyProcess, isProcessAlive } from "@tidemark/kit";
import { findPostgres, type PostgresInstallation } from "@tidemark/local-postgres";
import { postgresCacheDir, type TempDir, tempDir, waitFor } from "@tidemark/testkit";
import pg from "pg";
import { afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { createChildLog } from "./child-log.ts";
import { startDemoServer } from "./demo/demo-server.ts";
import { startEmbeddedDatabase } from "./embedded-database.ts";
import { type HomePaths, prepareHome } from "./home.ts";
import { keepCluster } from "./keep-cluster.ts";
import { endChildren, readRoll } from "./process-roll.ts";
import { superviseProcess } from "./supervised-process.ts";

let postgres: PostgresInstallation;
let dir: TempDir;
let paths: HomePaths;

beforeAll(async () => {
  postgres = await findPostgres(18, { cacheDir: postgresCacheDir() });
});
beforeEach(async () => {
  dir = await tempDir("start");
  paths = await prepareHome(dir.join("home"));
});
afterEach(() => dir[Symbol.asyncDispose]());

it("starts the metadata's PostgreSQL again on the same address after it was killed", async () => {
  const database = await startEmbeddedDatabase(postgres, paths);
  const warnings: string[] = [];
  const kept = keepCluster("the embedded PostgreSQL", database.cluster, (text) => warnings.push(text));
  await query(database.url.reveal(), "CREATE TABLE kept AS SELECT 42 AS answer");
  await database.cluster.kill();
  const rows = await waitFor(() => query(database.url.reveal(), "SELECT answer FROM kept"), {
    what: "the server again",
  });
  expect(rows).toEqual([{ answer: 42 }]);
  expect(warnings.join()).toContain("ended by itself");
  await kept.stop();
});

it("makes the demo's shop once, makes a half-made one again, and keeps its port", async () => {
  const first = await startDemoServer(postgres, paths, () => undefined);
  expect(await query(first.shopDsn, "SELECT count(*)::int AS n FROM orders")).toEqual([{ n: 200_000 }]);
  await query(first.shopDsn, "DELETE FROM order_items WHERE order_id = 1");
  await first.cluster.stop();

  const second = await startDemoServer(postgres, paths, () => undefined);
  expect(second.cluster.port).toBe(first.cluster.port);
  expect(await query(second.shopDsn, "SELECT count(*)::int AS n FROM order_items WHERE order_id = 1")).toEqual([
    { n: 0 },
  ]);
  expect(
    await query(
      second.dsn.reveal(),
      "SELECT rolreplication AS may, rolsuper AS super FROM pg_roles WHERE rolname = current_user",
    ),
  ).toEqual([{ may: true, super: false }]);
  await second.cluster.stop();

  await rm(join(paths.demo, "ready"));
  const third = await startDemoServer(postgres, paths, () => undefined);
  expect(await query(third.shopDsn, "SELECT count(*)::int AS n FROM order_items WHERE order_id = 1")).toEqual([
    { n: 2 },
  ]);
  await third.cluster.stop();
});

it("starts a child again that was killed, and ends it in the end", async () => {
  const script = dir.join("child.mjs");
  await writeFile(script, "setInterval(() => {}, 1000); console.log('up');");
  const log = createChildLog(dir.join("child.log"));
  const warnings: string[] = [];
  const child = superviseProcess(
    { name: "child", args: [script], cwd: dir.path, environment: {}, stopGraceMs: 5_000 },
    { log, onWarning: (text) => warnings.push(text), onChange: () => undefined },
  );
  const first = child.identity();
  child.signal("SIGKILL");
  const again = await waitFor(() => (child.identity()?.pid === first?.pid ? null : child.identity()), {
    what: "the child again",
  });
  expect(warnings.join()).toContain("child ended (SIGKILL)");
  await child.stop();
  expect(isProcessAlive(again)).toBe(false);
});

it("leaves no child behind when the supervisor itself is killed", async () => {
  const child = dir.join("child.mjs");
  await writeFile(child, "setInterval(() => {}, 1000);");
  const supervisor = dir.join("supervisor.mjs");
  const module = (name: string) => JSON.stringify(fileURLToPath(new URL(name, import.meta.url)));
  await writeFile(
    supervisor,
    `import { superviseProcess } from ${module("./supervised-process.ts")};
     import { createChildLog } from ${module("./child-log.ts")};
     const log = createChildLog(${JSON.stringify(dir.join("child.log"))});
     const spec = { name: "child", args: [${JSON.stringify(child)}], cwd: "/", environment: {}, stopGraceMs: 5000 };
     const started = superviseProcess(spec, { log, onWarning: () => {}, onChange: () => {} });
     console.log(started.identity().pid);`,
  );
  const running = spawn(process.execPath, [supervisor], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = (await once(running.stdout, "data")) as [Buffer];
  const identity = identifyProcess(Number(line.toString().trim()));
  expect(identity).not.toBeNull();
  running.kill("SIGKILL");
  await waitFor(() => identity !== null && !isProcessAlive(identity), { what: "the end of the child" });
});

it("ends what a killed start left, and treats a torn list as none", async () => {
  const stray = spawn(
    process.execPath,
    ["-e", "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); console.log(1)"],
    {
      stdio: ["ignore", "pipe", "ignore"],
    },
  );
  await once(stray.stdout, "data");
  const identity = identifyProcess(stray.pid ?? 0);
  if (identity === null) throw new Error("the stray process is gone");
  expect(await endChildren({ watcher: null, children: [{ ...identity, name: "worker" }], clusters: [] }, 100)).toEqual([
    "worker",
  ]);
  await waitFor(() => !isProcessAlive(identity), { what: "its end" });
  await writeFile(`${paths.root}/processes.json`, '{"watch');
  expect((await readRoll(paths.root)).children).toEqual([]);
});

async function query(dsn: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: dsn, connectionTimeoutMillis: 5_000 });
  client.on("error", () => undefined);
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}
