import { appendFile, chmod, chown, mkdir, readFile, rm, stat, truncate, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { majors, type TestServer, testServer } from "@tidemark/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { SqlSession } from "../session/sql-session.ts";
import { readAskingRole } from "./asking-role.ts";
import { readConfigurationFiles } from "./configuration-files.ts";
import { readEnvironment } from "./environment.ts";
import { asking, makeFactRoles } from "./fact-servers.fixture.ts";
import { type ReadBinaryFileOptions, readBinaryFile } from "./read-binary-file.ts";
import { readConfiguration } from "./read-configuration.ts";
import { listDirectory, statFile } from "./server-files.ts";

/** Names with everything a path of the server may have. */
const names = [
  "plain",
  "with blank",
  'it\'s "quoted"',
  "back\\slash",
  "new\nline",
  "ünïcode ✓",
  "%s $1 :x",
  "..x",
  "-",
];

describe.each(majors)("files of PostgreSQL %i", (major) => {
  let server: TestServer;
  let outside: string;

  beforeAll(async () => {
    server = await testServer({ major, settings: { local_preload_libraries: "" } });
    await makeFactRoles(server);
    outside = await server.folder("configuration");
    await put(join(outside, "extra.conf"), "# ours\nwork_mem = '5MB'\n");
    await put(join(outside, "old.conf"), Buffer.from("# caf\xe9\nwork_mem = '6MB'\n", "latin1"));
    await put(join(server.dataDir, "admins"), "postgres\n");
    await appendFile(
      join(server.dataDir, "postgresql.conf"),
      `\ninclude '${outside}/extra.conf'\ninclude '${outside}/old.conf'\n`,
    );
    await appendFile(join(server.dataDir, "pg_hba.conf"), "\nhost all @admins 10.1.2.3/32 reject\n");
    await mkdir(join(server.dataDir, "odd"));
    for (const name of names) await put(join(server.dataDir, "odd", name), `this is ${name}`);
    await server.restart();
  });

  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
  });

  /** As the server's account would have written it. */
  async function put(path: string, content: string | Uint8Array): Promise<void> {
    await writeFile(path, content);
    const { uid, gid } = await stat(server.dataDir);
    await chown(path, uid, gid);
  }

  const read = async (path: string, options: ReadBinaryFileOptions = {}, user?: string): Promise<Buffer> =>
    await asking(server, (session) => collect(session, path, options), user);

  it("tells all times and the kind of a file as the server's machine does", async () => {
    const path = join(server.dataDir, "odd", "plain");
    await utimes(path, 1_600_000_000, 1_500_000_000);
    const truth = await stat(path);
    const file = await asking(server, (session) => statFile(session, "odd/plain"), "reader");
    expect(file).toEqual({
      path: "odd/plain",
      sizeBytes: 13n,
      isDirectory: false,
      accessedAt: new Date(1_600_000_000_000),
      modifiedAt: new Date(1_500_000_000_000),
      changedAt: new Date(Math.floor(truth.ctimeMs / 1000) * 1000),
      createdAt: null,
    });
    expect(await asking(server, (session) => statFile(session, "odd"))).toMatchObject({ isDirectory: true });
    expect(await asking(server, (session) => statFile(session, join(outside, "extra.conf")))).toMatchObject({
      sizeBytes: 24n,
    });
  });

  it("reads any range of a file with any name, in chunks of any size, as its bytes", async () => {
    const content = Buffer.from(Array.from({ length: 70_001 }, (_, index) => (index * 31 + (index >> 8)) & 0xff));
    const path = 'odd/it\'s "quoted"';
    await put(join(server.dataDir, path), content);
    await asking(
      server,
      async (session) => {
        for (const chunkBytes of [7_001, 8192, 65_536, 70_001, 1 << 20]) {
          expect((await collect(session, path, { chunkBytes })).equals(content)).toBe(true);
        }
        const ranges: [number, number | undefined][] = [
          [0, 0],
          [0, 1],
          [69_999, 5],
          [70_000, 1],
          [70_001, 1],
          [1_000_000, undefined],
          [8192, 8192],
          [12_345, undefined],
        ];
        for (const [offset, lengthBytes] of ranges) {
          const end = lengthBytes === undefined ? undefined : offset + lengthBytes;
          const bytes = await collect(session, path, { offset, lengthBytes, chunkBytes: 4_000 });
          expect(bytes.equals(content.subarray(offset, end))).toBe(true);
        }
      },
      "reader",
    );
    for (const name of names.filter((it) => !it.includes("quoted"))) {
      expect((await read(`odd/${name}`)).toString()).toBe(`this is ${name}`);
    }
    expect((await read("odd/plain", { chunkBytes: 1 })).toString()).toBe("this is plain");
  });

  it("ends with a file that shrinks while it is read, and says when it goes away", async () => {
    const path = join(server.dataDir, "odd", "shrinking");
    await put(path, Buffer.alloc(100_000, 1));
    await asking(server, async (session) => {
      const sizes: number[] = [];
      for await (const chunk of readBinaryFile(session, path, { chunkBytes: 40_000 })) {
        sizes.push(chunk.length);
        await truncate(path, 50_000);
      }
      expect(sizes).toEqual([40_000, 10_000]);
      const chunks = readBinaryFile(session, path, { chunkBytes: 10_000 });
      await chunks.next();
      await rm(path);
      await expect(chunks.next()).rejects.toMatchObject({ code: "file-missing-on-server" });
    });
  });

  it("lists a directory with kinds and sizes in one statement, whatever its names", async () => {
    await mkdir(join(server.dataDir, "odd", "folder"), { recursive: true });
    const undecodable = Buffer.concat([Buffer.from(join(server.dataDir, "odd/")), Buffer.from([0x62, 0xff, 0x64])]);
    await writeFile(undecodable, "x");
    const entries = await asking(server, (session) => listDirectory(session, "odd"), "reader");
    await rm(undecodable);
    expect(
      entries
        .filter(({ isNameExact }) => isNameExact)
        .map(({ name }) => name)
        .sort(),
    ).toEqual([...names, "folder"].sort());
    expect(entries.filter(({ isNameExact }) => !isNameExact)).toMatchObject([{ sizeBytes: 1n }]);
    expect(entries.find(({ name }) => name === "folder")).toMatchObject({ isDirectory: true });
    expect(entries.find(({ name }) => name === "plain")).toMatchObject({
      isDirectory: false,
      sizeBytes: 13n,
      modifiedAt: new Date(1_500_000_000_000),
    });
    const root = await asking(server, (session) => listDirectory(session, "."), "reader");
    expect(root.map(({ name }) => name)).toEqual(expect.arrayContaining(["PG_VERSION", "base", "global", "pg_wal"]));
    await mkdir(join(server.dataDir, "odd", "folder", "empty"));
    expect(await asking(server, (session) => listDirectory(session, "odd/folder/empty"))).toEqual([]);
  });

  it("tells a missing file from one that may not be read, by the role or by the account of the server", async () => {
    const secret = join(server.dataDir, "odd", "root only");
    await writeFile(secret, "x");
    await chmod(secret, 0o600);
    await asking(server, async (session) => {
      const missing = { code: "file-missing-on-server" };
      for (const path of ["no such", "odd/no such", ""]) {
        await expect(statFile(session, path)).rejects.toMatchObject(missing);
        await expect(listDirectory(session, path)).rejects.toMatchObject(missing);
        await expect(collect(session, path, {})).rejects.toMatchObject(missing);
      }
      expect(await listDirectory(session, "no such", { missingOk: true })).toEqual([]);
      await expect(collect(session, secret, {})).rejects.toMatchObject({ code: "server-error" });
      await expect(collect(session, "odd", {})).rejects.toMatchObject({ code: "server-error" });
    });
    await rm(secret);
    const refused = { code: "privilege-missing" };
    const abroad = join(outside, "extra.conf");
    await expect(read(abroad, {}, "reader")).rejects.toMatchObject(refused);
    await expect(read("../x", {}, "reader")).rejects.toMatchObject(refused);
    await expect(read("odd/plain", {}, "plain")).rejects.toMatchObject(refused);
    await expect(asking(server, (session) => statFile(session, abroad), "reader")).rejects.toMatchObject(refused);
    await expect(asking(server, (session) => listDirectory(session, outside), "reader")).rejects.toMatchObject(refused);
    await expect(asking(server, (session) => listDirectory(session, "odd"), "plain")).rejects.toMatchObject(refused);
  });

  it("reads the whole configuration for one who may, as it is on disk", async () => {
    const configuration = await asking(server, (session) => readConfiguration(session));
    expect(configuration).toMatchObject({
      dataDirectory: server.dataDir,
      fileSettings: null,
      settings: null,
      hbaRules: null,
      identMappings: null,
    });
    const wanted = [
      ["config", join(server.dataDir, "postgresql.conf"), true],
      ["hba", join(server.dataDir, "pg_hba.conf"), true],
      ["ident", join(server.dataDir, "pg_ident.conf"), true],
      ["include", join(outside, "extra.conf"), false],
      ["include", join(outside, "old.conf"), false],
      ["include", join(server.dataDir, "admins"), true],
    ] as const;
    const files = configuration.files.filter(({ path }) => path?.endsWith("postgresql.auto.conf") !== true);
    expect(files.map((it) => [it.purpose, it.path, it.insideDataDirectory]).sort()).toEqual(
      wanted.map((it) => [...it]).sort(),
    );
    for (const { path, content, encoding, whyNot } of files) {
      expect(whyNot).toBeNull();
      expect(Buffer.from(content ?? "", encoding ?? "utf8").equals(await readFile(path ?? ""))).toBe(true);
      expect(encoding).toBe(path?.endsWith("old.conf") === true ? "base64" : "utf8");
    }
    const small = await asking(server, (session) => readConfiguration(session, { largestFileBytes: 100 }));
    expect(small.files[0]).toMatchObject({ content: null, whyNot: "it is longer than 100 bytes" });
    expect(small.files.find(({ path }) => path?.endsWith("extra.conf"))?.content).toContain("work_mem");
  });

  it("says of each file why it was not read, and tells what the server tells instead", async () => {
    const reader = await asking(server, (session) => readConfiguration(session), "reader");
    expect(reader.files.find(({ purpose }) => purpose === "config")?.content).toContain("include");
    expect(reader.files.find(({ path }) => path?.endsWith("extra.conf"))).toMatchObject({
      content: null,
      encoding: null,
      whyNot: 'it lies outside the data directory, and the role "reader" lacks pg_read_server_files',
    });
    expect(reader.settings).toContainEqual({ name: "work_mem", value: "6MB" });

    const plain = await asking(server, (session) => readConfiguration(session), "plain");
    expect(plain).toMatchObject({ dataDirectory: null, fileSettings: null, hbaRules: null });
    expect(plain.files).toHaveLength(3);
    for (const file of plain.files)
      expect(file).toMatchObject({
        path: null,
        content: null,
        whyNot: expect.stringContaining("pg_read_all_settings"),
      });

    await server.query("CREATE ROLE ruler LOGIN PASSWORD 'a role''s password'");
    const views = ["pg_file_settings", "pg_hba_file_rules", ...(major >= 15 ? ["pg_ident_file_mappings"] : [])];
    const functions = [
      "pg_show_all_file_settings()",
      "pg_hba_file_rules()",
      ...(major >= 15 ? ["pg_ident_file_mappings()"] : []),
    ];
    for (const view of views) await server.query(`GRANT SELECT ON ${view} TO ruler`);
    for (const signature of functions) await server.query(`GRANT EXECUTE ON FUNCTION ${signature} TO ruler`);
    const ruler = await asking(server, (session) => readConfiguration(session), "ruler");
    expect(ruler.fileSettings).toContainEqual({
      file: join(outside, "extra.conf"),
      line: 2,
      name: "work_mem",
      value: "5MB",
      applied: false,
      error: null,
    });
    expect(ruler.hbaRules?.at(-1)).toMatchObject({
      file: major >= 16 ? join(server.dataDir, "pg_hba.conf") : null,
      type: "host",
      databases: ["all"],
      address: "10.1.2.3",
      netmask: "255.255.255.255",
      method: "reject",
      options: [],
      error: null,
    });
    expect(ruler.identMappings).toEqual(major >= 15 ? [] : null);
    expect(await asking(server, (session) => readConfigurationFiles(session), "plain")).toBeNull();
  });

  it("records collations with their versions, and the libraries a restored server needs", async () => {
    await server.query('CREATE TABLE public.sorted (x text COLLATE "und-x-icu")');
    await server.query("CREATE EXTENSION pgcrypto");
    await server.query(
      "CREATE FUNCTION public.loose(text) RETURNS bytea LANGUAGE c AS '$libdir/pgcrypto', 'pg_digest'",
    );
    await server.query("ALTER SYSTEM SET session_preload_libraries = auto_explain, pg_prewarm");
    await server.query("SELECT pg_reload_conf()");
    const environment = await asking(server, readEnvironmentOnceLoaded);
    expect(environment).toMatchObject({
      version: expect.stringContaining(`PostgreSQL ${major}.`),
      serverEncoding: "UTF8",
      icuVersion: expect.stringMatching(/^\d+\.\d+/),
      icuUnicodeVersion: major >= 17 ? expect.stringMatching(/^\d+\./) : null,
      libraries: ["auto_explain", "pg_prewarm"],
      librariesHidden: false,
      functionLibraries: ["$libdir/pgcrypto"],
    });
    expect(environment.extensionsWithLibraries).toContainEqual({
      database: "postgres",
      name: "pgcrypto",
      version: expect.any(String),
      libraries: ["$libdir/pgcrypto"],
    });
    const used = environment.collations.filter(({ name }) => name !== null);
    expect(used).toMatchObject([
      {
        database: "postgres",
        name: "und-x-icu",
        provider: "icu",
        version: environment.icuVersion,
        actualVersion: environment.icuVersion,
      },
    ]);
    expect(
      environment.collations
        .filter(({ name }) => name === null)
        .map(({ database, provider }) => `${database} ${provider}`),
    ).toEqual(["postgres libc", "template1 libc"]);
    expect(await asking(server, (session) => readEnvironment(session), "plain")).toMatchObject({
      libraries: [],
      librariesHidden: true,
    });
    if (major < 15) return;
    await server.query("CREATE DATABASE icu TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'de-DE'");
    const icu = (await asking(server, (session) => readEnvironment(session))).collations.find(
      ({ database }) => database === "icu",
    );
    expect(icu).toMatchObject({ name: null, provider: "icu", locale: "de-DE", actualVersion: icu?.version });
    expect(icu?.version).toMatch(/^\d/);
  });

  it("knows what a role may do with files", async () => {
    expect(await asking(server, readAskingRole, "plain")).toMatchObject({
      readsBinaryFiles: false,
      readsTextFiles: false,
      statsFiles: false,
      listsDirectories: false,
    });
    await server.query("GRANT pg_read_server_files TO reader");
    expect(await asking(server, readAskingRole, "reader")).toMatchObject({ readsServerFiles: true });
    expect((await read(join(outside, "extra.conf"), {}, "reader")).toString()).toContain("5MB");
  });
});

async function collect(session: SqlSession, path: string, options: ReadBinaryFileOptions): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of readBinaryFile(session, path, options)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** The session's own settings follow a reload a moment later. */
async function readEnvironmentOnceLoaded(session: SqlSession): ReturnType<typeof readEnvironment> {
  let environment = await readEnvironment(session);
  while (environment.libraries.length === 0) environment = await readEnvironment(session);
  return environment;
}
