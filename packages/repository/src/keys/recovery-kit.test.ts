import { Secret } from "@tidemark/kit";
import { MemoryStore } from "@tidemark/storage";
import { generateX25519Identity } from "age-encryption";
import { describe, expect, it } from "vitest";
import { createRepository, openRepository } from "../open-repository.ts";
import { testKey } from "../test-repository.ts";
import { recipientsOf } from "./age-file.ts";
import { recoveryKitPage } from "./recovery-kit-page.ts";
import { recoveryKit } from "./recovery-kit-text.ts";
import { repositoryKeyFromText } from "./repository-key.ts";

const madeAt = new Date("2026-05-06T07:08:09Z");

describe("a recovery kit", () => {
  it("is a key file, as text and as page, and so is the key typed from it", async () => {
    const store = new MemoryStore();
    const repository = await createRepository(store, { encryption: testKey });
    const options = { name: "<main> & co", serverNames: ["orders", "it's new"], location: "/mnt/backups", madeAt };
    const text = recoveryKit(repository, testKey, options);
    const page = recoveryKitPage(repository, testKey, options);
    const typed = /type it in.*\n\n((?: {2}\S.*\n)+)/.exec(text)?.[1] ?? "";
    expect(typed.split("\n").length).toBe(5);
    for (const source of [text, page, typed]) {
      const key = repositoryKeyFromText(new Secret(source));
      expect(key).toMatchObject({ kind: "key-file" });
      expect((await openRepository(store, { key })).id).toBe(repository.id);
    }
    for (const kit of [text, page]) {
      expect(kit).toContain("2026-05-06T07:08:09.000Z");
      expect(kit).toContain("restore-standalone.mjs");
      expect(kit).toContain("docs/repository-format.md");
      expect(kit).toContain(
        "tidemark restore direct --repository /mnt/backups --key-file tidemark.key --server orders",
      );
    }
  });

  it("is a page that loads nothing and lets no name become markup", async () => {
    const repository = await createRepository(new MemoryStore(), { encryption: testKey });
    const page = recoveryKitPage(repository, testKey, { name: "<script>x</script>", serverNames: ["<b>"], madeAt });
    expect(page).not.toMatch(/<script|<b>|<link|<img|url\(/);
    expect(page.match(/https?:\/\/\S+/g) ?? []).toEqual(['http://www.w3.org/2000/svg"']);
    expect(page).toContain("<svg");
    expect(page).toContain("size: A4");
  });

  it("never holds a passphrase or an age identity, and names the other keys", async () => {
    const passphrase = { kind: "passphrase", text: new Secret("correct horse") } as const;
    const identity = { kind: "age-identity", text: new Secret(await generateX25519Identity()) } as const;
    const [recipient = ""] = await recipientsOf(identity.text);
    const passphraseCost = { memoryKib: 64, passes: 1, parallelism: 1 };
    const repository = await createRepository(new MemoryStore(), { encryption: passphrase, passphraseCost });
    await repository.keys?.add({ kind: "age-recipient", recipient }, "the safe");
    const slots = (await repository.keys?.list())?.slots ?? [];
    for (const make of [recoveryKit, recoveryKitPage]) {
      const kit = make(repository, passphrase, { serverNames: [], madeAt, slots });
      expect(kit).not.toContain("correct horse");
      expect(kit).toContain("--passphrase-file passphrase.txt");
      expect(kit).toContain(`the age identity of ${recipient} (the safe)`);
      const other = make(repository, identity, { serverNames: [], madeAt });
      expect(other).not.toContain(identity.text.reveal());
      expect(other).toContain("--key-file identity.txt");
    }
  });
});

describe("a key as a person gives it", () => {
  it("is told by what it looks like", () => {
    const kindOf = (text: string) => repositoryKeyFromText(new Secret(text)).kind;
    expect(kindOf(`${testKey.text.reveal()}\r\n`)).toBe("key-file");
    expect(kindOf("tidemark-key-1:too-short")).toBe("key-file");
    expect(kindOf("# created: 2026\n# public key: age1\nAGE-SECRET-KEY-1ABC\n")).toBe("age-identity");
    expect(kindOf("correct horse battery")).toBe("passphrase");
    const other = "tidemark-key-1:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBBBBB";
    expect(() => kindOf(`${testKey.text.reveal()}\n${other}`)).toThrow(/more than one key/);
  });
});
