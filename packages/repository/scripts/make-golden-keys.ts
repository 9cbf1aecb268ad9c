/**
 * Made `golden-keys/` once, with format 2: a repository that opens with a slot of every kind and derivation there is, before
 * and after a rotation. It is kept for ever: `node packages/repository/scripts/make-golden-keys.ts` was run once.
 * The slots' salts and age files are random.
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Secret } from "@tidemark/kit";
import { FilesystemStore } from "@tidemark/storage";
import { createRepository, openRepository } from "../src/index.ts";
import { deriveWrappingKey, type KeyDerivation } from "../src/keys/key-derivation.ts";
import { openBox, sealBox } from "../src/seal/sealed-box.ts";
import { takeTestBackup, testKey } from "../src/test-repository.ts";

const folder = fileURLToPath(new URL("../golden-keys", import.meta.url));
const store = new FilesystemStore(join(folder, "repository"));
const passphrase = { kind: "passphrase", text: new Secret("correct horse – Pferd") } as const;
const scryptPassphrase = { kind: "passphrase", text: new Secret("an older machine's words") } as const;
const identity = "AGE-SECRET-KEY-1Z4FDVDA78NXKUUWCXN2UW286ML5SYVZ8FY0XJNM64DHVFHYGH7ES4SG038";
const recipient = "age1jmfjsmwp39r87dyrlwuswwqsepyqfuuhw5hclc9zf67tqevhmp4ql4znra";

const options = { passphraseCost: { memoryKib: 64, passes: 1, parallelism: 1 } };
const repository = await createRepository(store, { ...options, encryption: testKey });
const files = (text: string) => new Map([["base/5/1259", new TextEncoder().encode(text.repeat(5_000))]]);
await takeTestBackup(repository.area("srv_golden"), "bak_before", null, files("before the rotation; "));
await repository.keys?.add(passphrase, "the safe");
await repository.keys?.add({ kind: "age-recipient", recipient }, "the yubikey");
await repository.close();
await addScryptSlot();
const again = await openRepository(store, { ...options, key: testKey });
const others = [passphrase, scryptPassphrase];
const plan = await again.keys?.planRotation(others);
if (plan === undefined) throw new Error("the repository has no keys");
await again.keys?.rotate(plan, others);
await again.close();
const rotated = await openRepository(store, { ...options, key: testKey });
await takeTestBackup(rotated.area("srv_golden"), "bak_after", "bak_before", files("after the rotation; "));
await rotated.close();
await writeFile(join(folder, "key.txt"), `${testKey.text.reveal()}\n`);
await writeFile(join(folder, "passphrase.txt"), `${passphrase.text.reveal()}\n`);
await writeFile(join(folder, "scrypt-passphrase.txt"), `${scryptPassphrase.text.reveal()}\n`);
await writeFile(join(folder, "identity.txt"), `${identity}\n`);

/** As a Node.js without Argon2 made them: the passphrase's slot, sealed anew under a key that scrypt makes. */
async function addScryptSlot(): Promise<void> {
  for await (const { key } of store.list("keys/")) {
    const slot = JSON.parse(Buffer.from(await store.get(key)).toString("utf8"));
    if (slot.kind !== "passphrase") continue;
    const argon: KeyDerivation = { ...slot.derivation, salt: Buffer.from(slot.derivation.salt, "base64") };
    const sealing = async (
      derivation: KeyDerivation,
      of: typeof passphrase | typeof scryptPassphrase,
      name: string,
    ) => ({
      key: (await deriveWrappingKey(derivation, of)) ?? new Uint8Array(0),
      nonce: Buffer.from(slot.nonce, "base64"),
      additionalData: Buffer.from(`tidemark/1 ${slot.repositoryId} keys/${name} ${slot.keyId}`, "latin1"),
    });
    const plain = openBox(Buffer.from(slot.sealed, "base64"), await sealing(argon, passphrase, slot.slot), 65_536);
    const name = "key_scrypt";
    const about = { slot: name, ownerId: name, label: "an older machine" };
    const secrets = JSON.parse(Buffer.from(plain).toString("utf8"));
    const sealed = Buffer.from(JSON.stringify({ ...secrets, about: { ...secrets.about, ...about } }));
    const salt = Buffer.alloc(16, 7);
    const derivation = { name: "scrypt", salt, cost: 1024, blockSize: 8, parallelism: 1 } as const;
    const box = sealBox(sealed, await sealing(derivation, scryptPassphrase, name));
    const outside = {
      derivation: { ...derivation, salt: salt.toString("base64") },
      sealed: Buffer.from(box).toString("base64"),
    };
    await store.put(`keys/${name}`, Buffer.from(`${JSON.stringify({ ...slot, ...about, ...outside }, null, 2)}\n`));
  }
}
