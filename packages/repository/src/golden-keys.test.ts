import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Secret } from "@tidemark/kit";
import { FilesystemStore, ReadOnlyStore } from "@tidemark/storage";
import { describe, expect, it } from "vitest";
import { decryptWithIdentity } from "./keys/age-file.ts";
import { openRepository } from "./open-repository.ts";
import { readTestBackup } from "./test-repository.ts";
import type { RepositoryKey } from "./types.ts";

const folder = fileURLToPath(new URL("../golden-keys/", import.meta.url));
const text = (name: string): string => readFileSync(join(folder, name), "utf8");
const backups = { bak_before: "before the rotation; ", bak_after: "after the rotation; " };
const expected = (one: keyof typeof backups): string => backups[one].repeat(5_000);

const keys: readonly (readonly [string, RepositoryKey, owner: string | null])[] = [
  ["its key file", { kind: "key-file", text: new Secret(text("key.txt")) }, null],
  ["a passphrase by Argon2id", { kind: "passphrase", text: new Secret(text("passphrase.txt").trim()) }, "the safe"],
  [
    "a passphrase by scrypt",
    { kind: "passphrase", text: new Secret(text("scrypt-passphrase.txt").trim()) },
    "an older machine",
  ],
  ["an age identity", { kind: "age-identity", text: new Secret(text("identity.txt")) }, "the yubikey"],
];

describe("the golden repository of keys", () => {
  it.each(keys)("opens with %s, what was sealed before the rotation and after it", async (_, key, owner) => {
    const store = new ReadOnlyStore(new FilesystemStore(join(folder, "repository")));
    const repository = await openRepository(store, { key, openerThreads: 1 });
    for (const backup of ["bak_before", "bak_after"] as const) {
      const files = await readTestBackup(repository.area("srv_golden"), backup);
      expect(Buffer.from(files.get("base/5/1259") ?? []).toString()).toBe(expected(backup));
    }
    const listed = await repository.keys?.list();
    const opened = listed?.slots.filter((slot) => slot.opened) ?? [];
    expect(opened.map(({ label, current }) => [label, current]).sort()).toEqual([
      [owner, false],
      [owner, true],
    ]);
    expect(listed?.notes).toEqual([]);
    await repository.close();
  });

  it("has a slot of each derivation", () => {
    const slots = readdirSync(join(folder, "repository/keys")).map((name) =>
      JSON.parse(text(`repository/keys/${name}`)),
    );
    const names = slots.map(({ derivation, kind }) => derivation?.name ?? kind);
    expect(new Set(names)).toEqual(new Set(["hkdf-sha256", "argon2id", "scrypt", "age"]));
    expect(slots).toHaveLength(8);
  });

  it.each(["key.txt", "passphrase.txt", "scrypt-passphrase.txt", "identity.txt"])(
    "opens for the standalone reader with %s",
    async (name) => {
      const script = fileURLToPath(new URL("../../../scripts/restore-standalone.mjs", import.meta.url));
      const { main } = (await import(script)) as {
        main(args: readonly string[], ...say: ((line: string) => void)[]): number;
      };
      const scratch = mkdtempSync(join(tmpdir(), "tidemark-golden-keys-"));
      try {
        for (const backup of ["bak_before", "bak_after"] as const) {
          const to = join(scratch, backup);
          const complained: string[] = [];
          const place = ["--repository", join(folder, "repository"), "--backup", backup, "--to", to];
          const code = main(
            ["restore", ...place, ...(await flags(name, scratch))],
            () => undefined,
            (line) => complained.push(line),
          );
          expect({ code, complained }).toEqual({ code: 0, complained: [] });
          expect(readFileSync(join(to, "base/5/1259"), "utf8")).toBe(expected(backup));
        }
      } finally {
        rmSync(scratch, { recursive: true });
      }
    },
  );

  /** How the script is given a key; an age slot's bytes are opened for it first, by whoever holds the identity. */
  async function flags(name: string, scratch: string): Promise<string[]> {
    if (name === "key.txt") return ["--key-file", join(folder, name)];
    if (name !== "identity.txt") return ["--passphrase-file", join(folder, name)];
    const given: string[] = [];
    for (const slot of readdirSync(join(folder, "repository/keys"))) {
      const { kind, sealed } = JSON.parse(text(`repository/keys/${slot}`));
      if (kind !== "age") continue;
      const plain = await decryptWithIdentity(new Secret(text(name)), Buffer.from(sealed, "base64"));
      writeFileSync(join(scratch, slot), plain ?? "");
      given.push("--slot-file", join(scratch, slot));
    }
    return given;
  }
});
