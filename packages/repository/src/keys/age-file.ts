import { AppError, type Secret } from "@tidemark/kit";
import { wrongKey } from "./repository-key.ts";

/**
 * age v1 files (age-encryption.org/v1) for X25519 recipients, so that what is wrapped here opens with the stock `age`
 * program and the other way round. Hybrid, plugin and SSH recipients are refused: an `age` of 2023 does not open them.
 */

/** Loaded when it is needed: with what it needs, it is a tenth of a short command. */
const age = () => import("age-encryption");

/** bech32 of 32 bytes behind `age1`. */
const recipientPattern = /^age1[02-9ac-hj-np-z]{58}$/;
const identityPattern = /^AGE-SECRET-KEY-1[02-9AC-HJ-NP-Z]{58}$/;

/** The recipient, without blanks around it. Throws `bad-request` for what is none, or one with a typing error. */
export async function parseRecipient(text: string): Promise<string> {
  const recipient = text.trim();
  try {
    if (recipientPattern.test(recipient)) {
      // Only wrapping checks the checksum of the text.
      await encryptForRecipient(recipient, new Uint8Array(0));
      return recipient;
    }
  } catch {
    // Said below, without what the library calls it.
  }
  throw new AppError("bad-request", {
    message: `${JSON.stringify(recipient.slice(0, 80))} is no age recipient`,
    hint: "give the public key that age-keygen prints: age1 and 58 characters (X25519)",
    context: { field: "recipient" },
  });
}

/** The secret keys in an identity file: its lines that are no comment. Throws `repository-key-wrong`. */
function identitiesOf(text: Secret): string[] {
  const lines = text
    .reveal()
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
  const identities = lines.filter((line) => identityPattern.test(line));
  if (identities.length > 0 && identities.length === lines.length) return identities;
  throw wrongKey("this is no age identity", "an identity file has a line AGE-SECRET-KEY-1… as age-keygen writes it");
}

/** Recipients of the identities, in their order. Throws `repository-key-wrong` for a typing error. */
export async function recipientsOf(identity: Secret): Promise<string[]> {
  try {
    const { identityToRecipient } = await age();
    return await Promise.all(identitiesOf(identity).map((one) => identityToRecipient(one)));
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw wrongKey("the age identity has a missing or wrong character", "compare it with the file age-keygen wrote");
  }
}

/** A whole age file (binary, not armored). Throws for a recipient that `parseRecipient` would refuse. */
export async function encryptForRecipient(recipient: string, plain: Uint8Array): Promise<Uint8Array> {
  const { Encrypter } = await age();
  const encrypter = new Encrypter();
  encrypter.addRecipient(recipient);
  return encrypter.encrypt(plain);
}

/** Null when it is for somebody else, or damaged: age cannot tell the one from the other. */
export async function decryptWithIdentity(identity: Secret, file: Uint8Array): Promise<Uint8Array | null> {
  const { Decrypter } = await age();
  const decrypter = new Decrypter();
  for (const one of identitiesOf(identity)) decrypter.addIdentity(one);
  try {
    return await decrypter.decrypt(file);
  } catch {
    return null;
  }
}
