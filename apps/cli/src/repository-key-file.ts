import { readFileSync } from "node:fs";
import { AppError, Secret } from "@tidemark/kit";
import { type RepositoryKey, repositoryKeyFromText } from "@tidemark/repository";

/** Where a command that works on a repository itself finds the key; never on the command line. */
export interface KeyOptions {
  readonly keyFile?: string | undefined;
  readonly passphraseFile?: string | undefined;
}

/** The key a command names by `--key-file` or `--passphrase-file`; null: none, for what is not encrypted. */
export function readRepositoryKey(options: KeyOptions): RepositoryKey | null {
  if (options.keyFile !== undefined && options.passphraseFile !== undefined) {
    throw new AppError("bad-request", { message: "give --key-file or --passphrase-file, not both" });
  }
  if (options.keyFile !== undefined) return keyOfFile(options.keyFile);
  if (options.passphraseFile === undefined) return null;
  return { kind: "passphrase", text: new Secret(readText(options.passphraseFile).replace(/\r?\n$/, "")) };
}

/** A key file, a recovery kit with one in it (nobody should have to cut it out by hand at night), or an age identity. */
function keyOfFile(path: string): RepositoryKey {
  const key = repositoryKeyFromText(new Secret(readText(path)));
  if (key.kind !== "passphrase") return key;
  throw new AppError("repository-key-wrong", {
    message: `${path} is no key file, no recovery kit with a key and no age identity`,
    hint: "give a passphrase with --passphrase-file",
  });
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new AppError("repository-key-missing", {
      message: `${path} cannot be read`,
      hint: "nothing was written",
      cause,
    });
  }
}
