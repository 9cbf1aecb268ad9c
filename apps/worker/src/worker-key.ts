import { link, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { AppError, Secret, systemErrorCode } from "@tidemark/kit";
import { newSealingKeys, openSealed, publicKeyOf } from "@tidemark/kit/sealed-text";
import type { Metadata } from "@tidemark/metadata";
import type { WorkerSettings } from "./config.ts";

/** The workers' key pair: everybody may seal with the public half, only workers open. */
export interface WorkerKey {
  readonly publicKey: string;
  /** Throws `secret-unreadable`. */
  open(sealed: string): Promise<Secret>;
}

/**
 * Loads the private key from the settings or the home, makes it when the instance has none yet, and publishes its public
 * half. Throws `worker-key-missing` when the instance was set up with another key.
 */
export async function loadWorkerKey(
  settings: WorkerSettings,
  metadata: Pick<Metadata, "instance">,
): Promise<WorkerKey> {
  const path = join(settings.home, "keys", "worker.key");
  const known = (await metadata.instance.get()).workerPublicKey;
  const privateKey = settings.workerKey ?? (await readKey(path)) ?? (known === null ? await makeKey(path) : null);
  if (privateKey === null) {
    throw new AppError("worker-key-missing", {
      message: `${path} is missing, and stored credentials can only be opened with the key that was in it`,
      hint: "copy the key file of another worker there, or give it with WORKER_KEY_FILE",
    });
  }
  const publicKey = await publicKeyOf(privateKey);
  await metadata.instance.setWorkerPublicKey(publicKey);
  return { publicKey, open: (sealed) => openSealed(privateKey, sealed) };
}

async function readKey(path: string): Promise<Secret | null> {
  try {
    return new Secret((await readFile(path, "utf8")).trim());
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return null;
    throw error;
  }
}

/** Written whole, then linked: of two workers that start at once one makes the key, and both read that one. */
async function makeKey(path: string): Promise<Secret | null> {
  const { privateKey } = await newSealingKeys();
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const own = `${path}.${process.pid}`;
  await writeFile(own, `${privateKey.reveal()}\n`, { mode: 0o600, flush: true });
  try {
    await link(own, path);
  } catch (error) {
    if (systemErrorCode(error) !== "EEXIST") throw error;
  } finally {
    await rm(own, { force: true });
  }
  return await readKey(path);
}
