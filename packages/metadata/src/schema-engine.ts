import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { PrismaPg } from "@prisma/adapter-pg";
import { bindMigrationAwareSqlAdapterFactory, ColumnTypeEnum } from "@prisma/driver-adapter-utils";
import type { MigrationList, SchemaEngine, SchemasContainer } from "@prisma/schema-engine-wasm";
import pg from "pg";

/** Where the schema and its migrations are: `prisma/` at the top of the clone. */
export const prismaDir = resolve(import.meta.dirname, "../../../prisma");

/** Everything in our schema is ours to judge. */
export const schemaFilter = { externalTables: [], externalEnums: [] };

/**
 * Prisma's own schema engine as WebAssembly, working through `pool`. Nothing is downloaded and no native engine runs.
 * When a script fails, what the database said is thrown, not the engine's account of it.
 */
export async function withSchemaEngine<T>(pool: pg.Pool, act: (engine: SchemaEngine) => Promise<T>): Promise<T> {
  // Loaded when needed: it is large, and most processes never migrate.
  const { SchemaEngine } = await import("@prisma/schema-engine-wasm");
  const schema = readSchema();
  const failures: unknown[] = [];
  const engine = await SchemaEngine.new(
    { datamodels: schema.files.map(({ path, content }) => [path, content] as [string, string]) },
    // The engine logs each step; its errors come back as errors.
    () => undefined,
    bindMigrationAwareSqlAdapterFactory(adapterFactory(pool, failures)),
  );
  try {
    return await act(engine);
  } catch (error) {
    throw failures[0] ?? error;
  } finally {
    engine.free();
  }
}

/** schema.prisma as the engine wants it. */
export function readSchema(): SchemasContainer {
  const path = join(prismaDir, "schema.prisma");
  return { files: [{ path, content: readFileSync(path, "utf8") }] };
}

/** The committed migrations, oldest first, as the engine wants them. */
export function readMigrations(): MigrationList {
  const baseDir = join(prismaDir, "migrations");
  return {
    baseDir,
    lockfile: { path: "migration_lock.toml", content: 'provider = "postgresql"\n' },
    shadowDbInitScript: "",
    migrationDirectories: migrationNames().map((name) => ({
      path: name,
      migrationFile: {
        path: "migration.sql",
        content: { tag: "ok", value: readFileSync(join(baseDir, name, "migration.sql"), "utf8") },
      },
    })),
  };
}

/** Names of the committed migrations, oldest first. */
export function migrationNames(): readonly string[] {
  return readdirSync(join(prismaDir, "migrations"), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
}

/**
 * The SQL that leads from the committed migrations to schema.prisma; only a comment when there is no drift. Replays
 * the migrations in a database of its own, which it makes and drops: the role needs CREATEDB.
 */
export async function diffFromMigrations(databaseUrl: string): Promise<string> {
  const pool = new pg.Pool({ connectionString: databaseUrl });
  try {
    return await withSchemaEngine(pool, async (engine) => {
      const { stdout } = await engine.diff({
        from: { tag: "migrations", ...readMigrations() },
        to: { tag: "schemaDatamodel", ...readSchema() },
        script: true,
        exitCode: null,
        filters: schemaFilter,
      });
      return stdout ?? "";
    });
  } finally {
    await pool.end();
  }
}

/** Whether a diff says anything but comments. */
export function isEmptyDiff(sql: string): boolean {
  return sql.split("\n").every((line) => line.trim() === "" || line.startsWith("--"));
}

/**
 * Prisma's adapter with three things put right (all seen in 7.10): it cuts scripts at every semicolon, which breaks
 * function bodies and comments; it refuses the catalogue's type "char", which describing a schema reads (the error of
 * prisma/prisma#27403); and it drops the shadow database while its own pool is still connected to it.
 */
function adapterFactory(pool: pg.Pool, failures: unknown[]): PrismaPg {
  const factory = new PrismaPg(pool);
  const connect = factory.connect.bind(factory);
  factory.connect = async () => mended(await connect(), failures);
  factory.connectToShadowDb = async () => {
    const database = `tidemark_shadow_${crypto.randomUUID().replaceAll("-", "")}`;
    await pool.query(`CREATE DATABASE ${database}`);
    const shadow = new pg.Pool({ ...pool.options, ...parsedUrl(pool.options.connectionString), database });
    const adapter = mended(await new PrismaPg(shadow).connect(), failures);
    adapter.dispose = async () => {
      await shadow.end();
      await pool.query(`DROP DATABASE ${database}`);
    };
    return adapter;
  };
  return factory;
}

type Adapter = Awaited<ReturnType<PrismaPg["connect"]>>;

function mended(adapter: Adapter, failures: unknown[]): Adapter {
  // In one piece: the simple protocol takes several statements, as one transaction.
  adapter.executeScript = async (script) => {
    try {
      await adapter.underlyingDriver().query(script);
    } catch (error) {
      failures.push(error);
      throw error;
    }
  };
  const inner = adapter as unknown as { performIO(query: unknown): Promise<pg.QueryArrayResult> };
  const performIO = inner.performIO.bind(adapter);
  const queryRaw = adapter.queryRaw.bind(adapter);
  // The rows pass from performIO through queryRaw as the same array.
  const characterColumns = new WeakMap<object, readonly number[]>();
  inner.performIO = async (query) => {
    const result = await performIO(query);
    const types = result.fields.map((field) => field.dataTypeID);
    characterColumns.set(
      result.rows,
      types.flatMap((type, index) => (type === characterType ? [index] : [])),
    );
    for (const field of result.fields)
      if (field.dataTypeID === characterType) field.dataTypeID = pg.types.builtins.TEXT;
    return result;
  };
  adapter.queryRaw = async (query) => {
    const result = await queryRaw(query);
    for (const index of characterColumns.get(result.rows) ?? []) {
      result.columnTypes[index] = ColumnTypeEnum.Character;
    }
    return result;
  };
  return adapter;
}

/** pg_type.dat: the one-byte type "char", which Prisma's adapter does not know and its engine wants as a character. */
const characterType = 18;

/** A connection string wins over `database` in pg, so it is taken apart. */
function parsedUrl(connectionString: string | undefined): pg.PoolConfig {
  if (connectionString === undefined) return {};
  const client = new pg.Client({ connectionString });
  const { host, port, user, password, ssl } = client;
  return {
    connectionString: undefined,
    host,
    port,
    ...(user === undefined ? {} : { user }),
    ...(password === undefined || password === null ? {} : { password }),
    ssl,
  };
}
