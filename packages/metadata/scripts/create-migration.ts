import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { systemClock } from "@tidemark/kit";
import { diffFromMigrations, isEmptyDiff, prismaDir } from "../src/schema-engine.ts";

/**
 * Writes the migration that leads from the committed ones to schema.prisma:
 * `node packages/metadata/scripts/create-migration.ts NAME DATABASE_URL`, the URL being any PostgreSQL in which it may
 * make a database to replay them. Checks and triggers, which the schema cannot express, are added to the file by hand.
 */
const [name, databaseUrl] = process.argv.slice(2);
if (name === undefined || databaseUrl === undefined || !/^[a-z][a-z0-9_]*$/.test(name)) {
  console.error("usage: create-migration.ts NAME DATABASE_URL (NAME in snake_case)");
  process.exit(2);
}
const sql = await diffFromMigrations(databaseUrl);
if (isEmptyDiff(sql)) {
  console.error("nothing to do: the migrations give schema.prisma already");
} else {
  // Time first, so that names sort in the order of making.
  const stamp = systemClock.now().toISOString().replace(/\D/g, "").slice(0, 14);
  const folder = join(prismaDir, "migrations", `${stamp}_${name}`);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "migration.sql"), sql);
  console.error(`wrote ${folder}/migration.sql`);
}
