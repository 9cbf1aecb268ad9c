import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Secret } from "@tidemark/kit";
import { FilesystemStore } from "@tidemark/storage";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createRepository, openRepository } from "../open-repository.ts";
import { readTestBackup, takeTestBackup, testKey } from "../test-repository.ts";
import { decryptWithIdentity, encryptForRecipient, parseRecipient, recipientsOf } from "./age-file.ts";

/** Everything that must hold with the stock `age` and `age-keygen`, not only with the library both sides of ours use. */

interface Identity {
  readonly path: string;
  readonly text: Secret;
  readonly recipient: string;
}

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "tidemark-age-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function newIdentity(): Promise<Identity> {
  const path = join(folder, "identity.txt");
  execFileSync("age-keygen", ["-o", path], { stdio: "pipe" });
  const text = new Secret(await readFile(path, "utf8"));
  return { path, text, recipient: execFileSync("age-keygen", ["-y", path]).toString().trim() };
}

describe("an age slot", () => {
  it("opens with the one-liner of the format document, and the repository with the identity file", async () => {
    const identity = await newIdentity();
    const store = new FilesystemStore(join(folder, "repository"));
    const repository = await createRepository(store, { encryption: testKey, openerThreads: 1 });
    const files = new Map([["base/1", new Uint8Array(Buffer.from("a row of a table; ".repeat(20_000)))]]);
    await takeTestBackup(repository.area("srv_1"), "bkp_1", null, files);
    const recipient = { kind: "age-recipient", recipient: identity.recipient } as const;
    const change = await repository.keys?.add(recipient, "the safe");
    const slot = join(folder, "repository", "keys", change?.added[0] ?? "");
    // docs/repository-format.md, "Keys": with sed and base64 only, so that it works on any machine.
    const oneLiner = `sed -n 's/^ *"sealed": "\\(.*\\)".*/\\1/p' '${slot}' | base64 -d | age -d -i '${identity.path}'`;
    const secrets = JSON.parse(execFileSync("sh", ["-c", oneLiner]).toString()) as Record<string, unknown>;
    expect(Buffer.from(String(secrets.dataKey), "base64").length).toBe(32);
    expect(Buffer.from(String(secrets.fingerprintSeed), "base64").length).toBe(8);
    expect(secrets.about).toMatchObject({ repositoryId: repository.id, recipient: identity.recipient });
    await repository.close();
    const opened = await openRepository(store, {
      key: { kind: "age-identity", text: identity.text },
      openerThreads: 1,
    });
    expect(await readTestBackup(opened.area("srv_1"), "bkp_1")).toEqual(files);
    await opened.close();
  });
});

describe("an age file", () => {
  it("of the program opens with ours, and ours with the program", async () => {
    const identity = await newIdentity();
    expect(await recipientsOf(identity.text)).toEqual([identity.recipient]);
    expect(await parseRecipient(` ${identity.recipient}\n`)).toBe(identity.recipient);
    for (const plain of [Buffer.from("a secret"), Buffer.alloc(0), Buffer.alloc(200_000, 7)]) {
      const theirs = execFileSync("age", ["-r", identity.recipient], { input: plain });
      expect(Buffer.compare((await decryptWithIdentity(identity.text, theirs)) ?? Buffer.from("?"), plain)).toBe(0);
      const path = join(folder, "ours.age");
      await writeFile(path, await encryptForRecipient(identity.recipient, plain));
      expect(Buffer.compare(execFileSync("age", ["-d", "-i", identity.path, path]), plain)).toBe(0);
    }
  });
});
