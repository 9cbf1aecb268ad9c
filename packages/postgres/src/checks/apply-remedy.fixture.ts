import { appendFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestServer } from "@tidemark/testkit";
import type { Remedy } from "../connection/remedy.ts";

/** Does with a remedy what a person would: pastes each part where it belongs, then reloads or restarts. Advice is for people. */
export async function applyRemedy(server: TestServer, remedy: Remedy): Promise<void> {
  if (remedy.sql !== undefined) await runScript(server, remedy.sql);
  if (remedy.settings !== undefined)
    await appendFile(join(server.dataDir, "postgresql.conf"), `\n${remedy.settings}\n`);
  if (remedy.hba !== undefined) {
    const path = join(server.dataDir, "pg_hba.conf");
    await writeFile(path, `${remedy.hba}\n${await readFile(path, "utf8")}`);
  }
  if (remedy.needs === "reload") await server.query("SELECT pg_reload_conf()");
  if (remedy.needs === "restart") await server.restart();
}

/** As psql does: one statement after the other, in one session. ALTER SYSTEM and REINDEX refuse to share a transaction. */
export async function runScript(server: TestServer, script: string): Promise<void> {
  const client = await server.client();
  try {
    for (const statement of statementsOf(script)) await client.query(statement);
  } finally {
    await client.end();
  }
}

/** Splits at semicolons outside quotes, dollar quotes and comments (psqlscan.l, in short). */
function statementsOf(script: string): string[] {
  const token = /--[^\n]*|'(?:[^']|'')*'|"(?:[^"]|"")*"|(\$\w*\$)[\s\S]*?\1|;|[^;]/g;
  const statements: string[] = [];
  let statement = "";
  for (const [text] of script.matchAll(token)) {
    if (text === ";") {
      statements.push(statement);
      statement = "";
    } else if (!text.startsWith("--")) statement += text;
  }
  return [...statements, statement].map((each) => each.trim()).filter((each) => each !== "");
}
