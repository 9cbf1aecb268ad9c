import { readFileSync } from "node:fs";
import { AppError } from "@tidemark/kit";
import type { Environment } from "@tidemark/kit/settings";
import {
  type ObjectStore,
  openStore,
  parseStoreCredentials,
  RetryingStore,
  type StoreCredentials,
  storeCredentialsOfEnvironment,
} from "@tidemark/storage";

/** For the help of every command that works on a repository itself. */
export const storeAddressHelp = "file:///path, a path, s3://bucket/prefix or az://container/prefix";
export const credentialsFileHelp = "what opens the object store (docs/object-stores.md); else TIDEMARK_STORE_* is used";

/**
 * The store at an address, for commands that work without a control plane. Credentials come from the file, else from the
 * environment, and never from the command line, which every user of the machine can read.
 */
export async function openDirectStore(
  environment: Environment,
  address: { readonly repository: string; readonly credentialsFile?: string | undefined },
): Promise<ObjectStore> {
  const credentials = readCredentials(environment, address.credentialsFile);
  return new RetryingStore(await openStore(address.repository, { credentials }));
}

function readCredentials(environment: Environment, file: string | undefined): StoreCredentials | null {
  if (file !== undefined) return parseStoreCredentials(readCredentialsFile(file));
  return storeCredentialsOfEnvironment(environment, readCredentialsFile);
}

/** The text of a credentials file for the control plane, understood here first: a fault is told before anything is sent. */
export function readStoreCredentials(path: string): string {
  const text = readCredentialsFile(path);
  parseStoreCredentials(text);
  return text;
}

/** The text of a credentials file, or `storage-credentials-missing`. */
function readCredentialsFile(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new AppError("storage-credentials-missing", {
      message: `the credentials file ${path} cannot be read`,
      hint: "nothing was changed; check the path and its mode",
      cause,
    });
  }
}
