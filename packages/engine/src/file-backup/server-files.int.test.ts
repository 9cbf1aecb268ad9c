import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { findServerUser, giveTree } from "@tidemark/local-postgres";
import { parseDsn, SqlSession } from "@tidemark/postgres";
import { testServer } from "@tidemark/testkit";
import { expect, it } from "vitest";
import { ServerFiles } from "./server-files.ts";

it("lists a folder page by page, each entry once, and notes names that are no text", async () => {
  await using server = await testServer();
  const folder = join(server.dataDir, "log");
  await mkdir(folder);
  const names = ["!first", "-", "A", "B", "a", "b", "z", "ö", "€"];
  for (const name of names) await writeFile(join(folder, name), name);
  await giveTree(server.dataDir, await findServerUser());
  for (const byte of [0xe9, 0xf0, 0xff]) {
    await writeFile(Buffer.concat([Buffer.from(`${folder}/odd`), Buffer.from([byte])]), "");
  }
  const connectSql = (signal: AbortSignal) => SqlSession.connect(parseDsn(server.dsn()), { signal });
  for (const pageSize of [1, 2, 3, 5, 12, 10_000]) {
    const { signal } = new AbortController();
    const files = new ServerFiles({ connectSql, readers: 1, signal, dataDirectoryMode: 0o700, pageSize });
    const listed = await files.list("log");
    const found = listed?.map(({ name }) => Buffer.from(name, "latin1").toString("utf8"));
    expect(found, `pages of ${pageSize}`).toEqual(["!first", "-", "A", "B", "a", "b", "z", "ö", "€"]);
    expect(files.notes.length).toBeGreaterThanOrEqual(1);
    expect(await files.list("no such folder")).toBeNull();
    await files.close();
  }
  expect(
    await server.query("SELECT 1 FROM pg_stat_activity WHERE client_addr IS NOT NULL AND pid <> pg_backend_pid()"),
  ).toEqual([]);
});
