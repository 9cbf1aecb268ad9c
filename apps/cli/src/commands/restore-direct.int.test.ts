import { randomBytes } from "node:crypto";
import { readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { createBackupEncoder, executeCopies, planCopies, takeBackup } from "@tidemark/engine";
import { newId, systemClock } from "@tidemark/kit";
import { parseDsn, ReplicationSession } from "@tidemark/postgres";
import { createRepository, newRepositoryKey, type Repository, type RepositoryKey } from "@tidemark/repository";
import { FilesystemStore } from "@tidemark/storage";
import { type TempDir, tempDir, testServer } from "@tidemark/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildProgram } from "../program.ts";
import { captureOutput } from "../test-output.ts";

/** A backup in one repository and its copy in another, each with a key of its own; PostgreSQL is gone by then. */
describe("restore direct from two repositories", () => {
  let dir: TempDir;
  let version: string;
  const control = { signal: new AbortController().signal, emit: () => undefined };

  beforeAll(async () => {
    dir = await tempDir("direct");
    await using server = await testServer({ major: 18 });
    await using first = await make("first");
    await using second = await make("second");
    const encoder = createBackupEncoder({ threads: 1 });
    const connect = (signal: AbortSignal) => ReplicationSession.connect(parseDsn(server.dsn()), { signal });
    const area = first.repository.area("srv_direct");
    await takeBackup(
      { area, source: { kind: "stream", connect }, encoder, clock: systemClock },
      {
        backupId: newId("backup"),
        serverName: "orders",
        label: "direct",
        checkpoint: "fast",
        maxRateKib: null,
        systemIdentifierChangeConfirmed: false,
      },
      control,
    );
    await encoder.close();
    const deps = { source: area, target: second.repository.area("srv_direct"), clock: systemClock };
    await executeCopies(deps, await planCopies(deps, { backupId: null, skipIds: [] }), control);
    version = await readFile(`${server.dataDir}/PG_VERSION`, "utf8");
  });
  afterAll(async () => await dir?.[Symbol.asyncDispose]());

  async function make(name: string): Promise<AsyncDisposable & { readonly repository: Repository }> {
    const key: RepositoryKey = newRepositoryKey(randomBytes);
    await writeFile(dir.join(`${name}.key`), key.text.reveal());
    const repository = await createRepository(new FilesystemStore(dir.join(name)), { encryption: key });
    return { repository, [Symbol.asyncDispose]: () => repository.close() };
  }

  async function restore(to: string, ...more: readonly string[]): Promise<string> {
    const { output, noted } = captureOutput("json");
    const bytes = { isTerminal: false, write: async () => undefined };
    const program = buildProgram({
      environment: {},
      stdinIsTerminal: false,
      clock: systemClock,
      bytes,
      output: () => output,
    });
    const first = ["--repository", dir.join("first"), "--key-file", dir.join("first.key")];
    const where = [
      "--server",
      "orders",
      "--to",
      dir.join(to),
      ...(process.getuid?.() === 0 ? ["--owner", "postgres"] : []),
    ];
    expect(await program.run(["restore", "direct", ...first, ...where, ...more])).toBe(0);
    expect(await readFile(dir.join(to, "PG_VERSION"), "utf8")).toBe(version);
    expect(await readdir(dir.join(to))).toContain("backup_manifest");
    return noted();
  }

  const second = () => ["--second", dir.join("second"), "--second-key-file", dir.join("second.key")];

  it("reads the first alone while it has everything", async () => {
    expect(await restore("whole", ...second())).not.toMatch(/second repository/);
  });

  it("takes from the second what the first has lost, and says so", async () => {
    const packs = dir.join("first/srv_direct/packs");
    const [pack = ""] = await readdir(packs);
    await rename(`${packs}/${pack}`, dir.join("lost-pack"));
    await expect(restore("broken")).rejects.toMatchObject({ code: "backup-damaged" });
    expect(await restore("mended", ...second())).toContain(`pack ${pack} comes from the second repository`);
  });

  it("goes on with one of them when the other cannot be opened", async () => {
    await expect(restore("wrong", ...second().with(3, dir.join("first.key")))).rejects.toMatchObject({
      code: "backup-damaged",
    });
    await rm(dir.join("first"), { recursive: true });
    expect(await restore("second-only", ...second())).toMatch(/^reading from the second repository: /);
    await expect(restore("none")).rejects.toMatchObject({ code: expect.stringMatching(/^(storage|repository)-/) });
  });

  it("wants no half of a second repository", async () => {
    await expect(restore("half", ...second().slice(2))).rejects.toMatchObject({ code: "bad-request" });
  });
});
