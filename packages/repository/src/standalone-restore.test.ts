import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Secret } from "@tidemark/kit";
import { FilesystemStore } from "@tidemark/storage";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { createRepository } from "./open-repository.ts";
import type { CompressionSetting } from "./seal/compression.ts";
import { keysOf, noise, type TestFiles, takeTestBackup, testFacts, testKey } from "./test-repository.ts";

/** The script is a reader of its own, made from docs/repository-format.md: it judges our writer, and ours judges it. */
const script = fileURLToPath(new URL("../../../scripts/restore-standalone.mjs", import.meta.url));
const standalone = (await import(script)) as {
  main(args: readonly string[], say: (line: string) => void, complain: (line: string) => void): number;
  decodeLz4(block: Uint8Array, plainBytes: number): Uint8Array;
};
const fixtures = fileURLToPath(new URL("../fixtures/", import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), "tidemark-standalone-"));
let folders = 0;
const newFolder = (): string => join(scratch, String(++folders));

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

function run(...args: string[]): { readonly code: number; readonly said: string; readonly complained: string } {
  const said: string[] = [];
  const complained: string[] = [];
  const code = standalone.main(
    args,
    (line) => said.push(line),
    (line) => complained.push(line),
  );
  return { code, said: said.join("\n"), complained: complained.join("\n") };
}

/** Everything below a folder, named as `TestFiles` names it: `folder/`, `link@target`. */
function contentOf(folder: string): Map<string, Uint8Array> {
  const found = new Map<string, Uint8Array>();
  for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    const facts = lstatSync(join(folder, name));
    if (facts.isDirectory()) found.set(`${name}/`, new Uint8Array(0));
    else if (facts.isSymbolicLink()) found.set(`${name}@${readlinkSync(join(folder, name))}`, new Uint8Array(0));
    else found.set(name, new Uint8Array(readFileSync(join(folder, name))));
  }
  return found;
}

function expectSame(found: TestFiles, expected: TestFiles): void {
  for (const [name, bytes] of expected) {
    expect(Buffer.compare(found.get(name) ?? Buffer.from("missing"), bytes), name).toBe(0);
  }
  const files = (all: TestFiles): string[] => [...all.keys()].filter((name) => !name.endsWith("/")).sort();
  expect(files(found)).toEqual(files(expected));
}

const variants = readdirSync(fixtures).flatMap((version) =>
  ["encrypted", "plain"].filter((one) => existsSync(`${fixtures}${version}/${one}`)).map((one) => ({ version, one })),
);

describe.each(variants)("the standalone reader with $version, $one", ({ version, one }) => {
  const folder = `${fixtures}${version}`;
  const place = ["--repository", `${folder}/${one}`, "--key-file", `${folder}/key.txt`];

  it("lists what is there, with holds", () => {
    const { code, said } = run("list", ...place, "--json");
    expect(code).toBe(0);
    const [server] = JSON.parse(said) as {
      server: string;
      name: string;
      backups: { backup: string; held: string }[];
    }[];
    expect(server).toMatchObject({ server: "srv_golden", name: "orders" });
    const backups = Object.keys(JSON.parse(readFileSync(`${folder}/expected.json`, "utf8")) as object);
    expect(server?.backups.map(({ backup, held }) => [backup, held]).sort()).toEqual(
      backups.map((backup) => [backup, backup === "bak_first" ? "audit 2026" : null]).sort(),
    );
  });

  it("restores every backup byte for byte", () => {
    const expected = JSON.parse(readFileSync(`${folder}/expected.json`, "utf8")) as Record<
      string,
      { name: string; sizeBytes: number; sha256: string }[]
    >;
    for (const [backup, files] of Object.entries(expected)) {
      const to = newFolder();
      expect(run("restore", ...place, "--backup", backup, "--to", to)).toMatchObject({ code: 0, complained: "" });
      const found = contentOf(to);
      // The golden tablespace is a link on its server; without a place for it the script makes a folder.
      const restored = files.map((file) => ({ ...file, name: file.name.replace(/@.*/, "/") }));
      for (const { name, sha256 } of restored) {
        expect(
          createHash("sha256")
            .update(found.get(name) ?? "missing")
            .digest("hex"),
          name,
        ).toBe(sha256);
      }
      const names = new Set(restored.map(({ name }) => name));
      expect([...found.keys()].filter((name) => !name.endsWith("/") && !names.has(name))).toEqual([]);
      expect(found.has("global/pg_control.unfinished") || found.has(".tidemark-restoring")).toBe(false);
    }
  });
});

/** Files of every shape: none, of zeros, sparse, small, just around the sizes at which things change. */
const someFile = fc
  .record({
    sizeBytes: fc.oneof(
      fc.constantFrom(0, 1, 8191, 8192, 65_535, 65_536, 65_537, 131_071, 131_072, 131_073, 400_000),
      fc.nat(300_000),
    ),
    seed: fc.nat(1000),
    texture: fc.constantFrom("noise", "zeros", "text", "sparse"),
  })
  .map(({ sizeBytes, seed, texture }) => {
    const bytes = texture === "noise" ? noise(sizeBytes, seed) : new Uint8Array(sizeBytes);
    if (texture === "text") bytes.set(Buffer.alloc(sizeBytes, `row ${seed} of a table, and so on; `));
    if (texture === "sparse") bytes.set(noise(Math.min(5000, sizeBytes), seed), Math.max(0, sizeBytes - 5000));
    return bytes;
  });

const someFiles = fc
  .uniqueArray(fc.tuple(fc.constantFrom("base/1/", "base/5/", "global/", ""), fc.nat(40), someFile), {
    maxLength: 12,
    selector: ([folder, name]) => `${folder}${name}`,
  })
  .map((all) => new Map([["base/", new Uint8Array(0)], ...all.map(([f, n, bytes]) => [`${f}${n}`, bytes] as const)]));

const someCompression = fc.constantFrom<CompressionSetting>(
  { algorithm: "zstd", level: 1 },
  { algorithm: "gzip", level: 6 },
  { algorithm: "lz4" },
  { algorithm: "none" },
  { algorithm: "auto" },
);

describe("the standalone reader", () => {
  it("restores whatever our writer writes", { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(
        someFiles,
        someFiles,
        fc.boolean(),
        someCompression,
        async (first, second, encrypted, compression) => {
          const folder = newFolder();
          const store = new FilesystemStore(folder);
          const repository = await createRepository(store, {
            encryption: encrypted ? testKey : "none",
            openerThreads: 1,
            compression,
          });
          const area = repository.area("srv_1");
          await takeTestBackup(area, "bak_1", null, first, { ...testFacts, tablespaces: [], tablespaceMap: "" });
          const merged = new Map([...first, ...second]);
          await takeTestBackup(area, "bak_2", "bak_1", merged, { ...testFacts, tablespaces: [], tablespaceMap: "" });
          await repository.close();
          const key = newFolder();
          writeFileSync(key, testKey.text.reveal());
          for (const [backup, files] of [
            ["bak_1", first],
            ["bak_2", merged],
          ] as const) {
            const to = newFolder();
            const args = ["restore", "--repository", folder, "--key-file", key, "--backup", backup, "--to", to];
            expect(run(...args)).toMatchObject({ code: 0, complained: "" });
            expectSame(contentOf(to), files);
            rmSync(to, { recursive: true });
          }
          rmSync(folder, { recursive: true });
        },
      ),
      { numRuns: 12 },
    );
  });

  it("opens a repository with its passphrase, and says when the key is another", async () => {
    const folder = newFolder();
    const passphrase = { kind: "passphrase", text: new Secret("correct horse – Pferd") } as const;
    const cost = { memoryKib: 64, passes: 1, parallelism: 1 };
    const repository = await createRepository(new FilesystemStore(folder), {
      encryption: passphrase,
      passphraseCost: cost,
    });
    const files = new Map([["PG_VERSION", Buffer.from("18\n")]]);
    await takeTestBackup(repository.area("srv_1"), "bak_1", null, files, { ...testFacts, tablespaces: [] });
    await repository.close();
    const file = newFolder();
    writeFileSync(file, "correct horse – Pferd\n");
    const to = newFolder();
    const place = ["restore", "--repository", folder, "--to", to];
    expect(run(...place, "--passphrase-file", file)).toMatchObject({ code: 0 });
    expectSame(contentOf(to), files);
    writeFileSync(file, "correct house");
    expect(run(...place, "--passphrase-file", file)).toMatchObject({
      code: 1,
      complained: expect.stringContaining("this passphrase opens no slot"),
    });
    expect(run(...place)).toMatchObject({ code: 2, complained: expect.stringContaining("is encrypted") });
  });

  it("puts tablespaces where it is told, with their links and the map", async () => {
    const folder = newFolder();
    const repository = await createRepository(new FilesystemStore(folder), { encryption: "none" });
    const files = new Map([
      ["pg_tblspc/16500@/srv/fast", new Uint8Array(0)],
      ["pg_tblspc/16501@/srv/slow", new Uint8Array(0)],
      ["pg_tblspc/16500/PG_18_202506291/5/16384", noise(20_000, 1)],
      ["pg_tblspc/16501/PG_18_202506291/5/16385", noise(20_000, 2)],
      ["tablespace_map", Buffer.from("16500 /srv/fast\n16501 /srv/slow\n")],
    ]);
    const tablespaces = [
      { oid: 16_500, path: "/srv/fast" },
      { oid: 16_501, path: "/srv/slow" },
    ];
    const tablespaceMap = "16500 /srv/fast\n16501 /srv/slow\n";
    await takeTestBackup(repository.area("srv_1"), "bak_1", null, files, { ...testFacts, tablespaces, tablespaceMap });
    await repository.close();
    const [to, fast] = [newFolder(), newFolder()];
    const args = ["restore", "--repository", folder, "--to", to, "--tablespace", `16500=${fast}`];
    expect(run(...args)).toMatchObject({ code: 0, said: expect.stringContaining("Tablespace 16501") });
    expect(readlinkSync(join(to, "pg_tblspc/16500"))).toBe(fast);
    expect(readFileSync(join(fast, "PG_18_202506291/5/16384"))).toEqual(Buffer.from(noise(20_000, 1)));
    expect(lstatSync(join(to, "pg_tblspc/16501")).isDirectory()).toBe(true);
    expect(readFileSync(join(to, "tablespace_map"), "utf8")).toBe(`16500 ${fast}\n`);
    expect(statSync(to).mode & 0o777).toBe(testFacts.dataDirectoryMode);
  });

  it("names file and pack of what is damaged or gone, fails, and leaves the folder marked", async () => {
    const folder = newFolder();
    const store = new FilesystemStore(folder);
    const repository = await createRepository(store, { encryption: "none" });
    const files = new Map([
      ["base/5/1259", noise(300_000, 1)],
      ["global/pg_control", noise(8192, 2)],
    ]);
    await takeTestBackup(repository.area("srv_1"), "bak_1", null, files, { ...testFacts, tablespaces: [] });
    await repository.close();
    const [packKey = ""] = await keysOf(store, "srv_1/packs/");
    const pack = packKey.slice("srv_1/packs/".length);
    const place = join(folder, packKey);
    const whole = readFileSync(place);
    chmodSync(place, 0o600);
    const restore = (): ReturnType<typeof run> & { readonly to: string } => {
      const to = newFolder();
      return { ...run("restore", "--repository", folder, "--to", to), to };
    };
    // Every 997th byte of the pack, which is prime to all lengths here: in head, frames, directory and trailer.
    for (let at = 0; at < whole.length; at += 29_989) {
      const damaged = Buffer.from(whole);
      damaged[at] = (damaged[at] ?? 0) ^ 0x10;
      writeFileSync(place, damaged);
      const { code, complained, to } = restore();
      expect(code, `byte ${at}`).toBe(1);
      expect(complained).toContain(pack);
      expect(complained).toMatch(/base\/5\/1259|global\/pg_control/);
      expect(readdirSync(to)).toContain(".tidemark-restoring");
      expect(readdirSync(to, { recursive: true })).not.toContain("global/pg_control");
    }
    rmSync(place);
    expect(restore()).toMatchObject({ code: 1, complained: expect.stringContaining(`${pack}) is missing`) });
    writeFileSync(place, whole);
    const restored = restore();
    expect(restored).toMatchObject({ code: 0 });
    expectSame(contentOf(restored.to), files);
    // And a folder that has something in it is not touched.
    expect(run("restore", "--repository", folder, "--to", restored.to)).toMatchObject({
      code: 1,
      complained: expect.stringContaining("is not empty; nothing was written"),
    });
  });

  it("refuses a repository of a newer format and features it does not know", async () => {
    const folder = newFolder();
    await createRepository(new FilesystemStore(folder), { encryption: "none" });
    const place = join(folder, "tidemark.json");
    const document = JSON.parse(readFileSync(place, "utf8")) as Record<string, unknown>;
    chmodSync(place, 0o600);
    writeFileSync(place, JSON.stringify({ ...document, formatVersion: 4 }));
    expect(run("list", "--repository", folder)).toMatchObject({
      code: 1,
      complained: expect.stringContaining("a newer Tidemark wrote"),
    });
    writeFileSync(place, JSON.stringify({ ...document, requires: ["telepathy"] }));
    expect(run("list", "--repository", folder)).toMatchObject({
      code: 1,
      complained: expect.stringContaining("telepathy"),
    });
  });

  it("decodes LZ4 blocks with literals, overlapping matches and long lengths, and refuses cut ones", () => {
    // Token 0x53: 5 literals, a match of 3 + 4; offset 2 repeats "lo"; then 1 literal.
    const block = Buffer.from([0x53, ...Buffer.from("hello"), 2, 0, 0x10, 0x21]);
    expect(Buffer.from(standalone.decodeLz4(block, 13)).toString()).toBe(`${"hellololololo".slice(0, 12)}!`);
    // 15 + 255 + 30 literals of one kind by a match of offset 1.
    const long = Buffer.from([0x1f, 0x61, 1, 0, 255, 30, 0x10, 0x62]);
    expect(Buffer.from(standalone.decodeLz4(long, 306)).toString()).toBe(`${"a".repeat(305)}b`);
    for (let end = 1; end < block.length; end++) {
      expect(() => standalone.decodeLz4(block.subarray(0, end), 13)).toThrow();
    }
    expect(() => standalone.decodeLz4(Buffer.from([0x10, 0x61, 2, 0]), 5)).toThrow("a match goes past the ends");
  });

  it("is a command of its own with help, and needs nothing beside it", () => {
    const { status, stdout } = spawnSync(process.execPath, [script, "--help"], { cwd: scratch, encoding: "utf8" });
    expect(status).toBe(0);
    expect(stdout).toContain("--passphrase-file");
    const imports = readFileSync(script, "utf8").matchAll(/from "([^"]+)"/g);
    for (const [, name] of imports) expect(name).toMatch(/^node:/);
    expect(spawnSync(process.execPath, [script, "restore"], { encoding: "utf8" }).status).toBe(2);
  });
});
