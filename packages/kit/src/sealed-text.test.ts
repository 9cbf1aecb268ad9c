import { expect, it } from "vitest";
import { newSealingKeys, openSealed, publicKeyOf, seal } from "./sealed-text.ts";
import { Secret } from "./secret.ts";

it("is opened by the private key it was sealed for, and by no other", async () => {
  const keys = await newSealingKeys();
  const sealed = await seal(keys.publicKey, "postgresql://u:pässword@h/d");
  expect((await openSealed(keys.privateKey, sealed)).reveal()).toBe("postgresql://u:pässword@h/d");
  const other = await newSealingKeys();
  await expect(openSealed(other.privateKey, sealed)).rejects.toMatchObject({ code: "secret-unreadable" });
});

it("notices every changed byte", async () => {
  const keys = await newSealingKeys();
  const bytes = Buffer.from(await seal(keys.publicKey, "x"), "base64");
  for (let index = 0; index < bytes.length; index++) {
    const changed = Buffer.from(bytes);
    changed[index] = (changed[index] ?? 0) ^ 1;
    await expect(openSealed(keys.privateKey, changed.toString("base64"))).rejects.toMatchObject({
      code: "secret-unreadable",
    });
  }
});

it("finds the public half of a private key", async () => {
  const keys = await newSealingKeys();
  expect(await publicKeyOf(keys.privateKey)).toBe(keys.publicKey);
});

it("refuses text that is no key, without quoting it", async () => {
  await expect(publicKeyOf(new Secret("hunter2"))).rejects.toMatchObject({ code: "worker-key-missing" });
  await expect(publicKeyOf(new Secret("hunter2"))).rejects.not.toThrow(/hunter2/);
});
