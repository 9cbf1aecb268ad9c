import { AppError } from "@tidemark/kit";
import type { ObjectStore } from "@tidemark/storage";
import { JsonFields, jsonBytes } from "./bytes/json-fields.ts";
import { formatVersion, frameBytes } from "./format.ts";
import { documentKey, keysPrefix } from "./paths.ts";
import { damagedObject, newerObject } from "./seal/object-seal.ts";

/** `tidemark.json`: what a repository is. Written once, never changed. */
export interface RepositoryDocument {
  readonly id: string;
  readonly formatVersion: number;
  readonly createdAt: Date;
  readonly encrypted: boolean;
  /** Of a repository without encryption; an encrypted one keeps it in the key slots. */
  readonly fingerprintSeed: Uint8Array | null;
}

/** What a store holds, as far as creating or opening a repository is concerned. */
export type RepositoryPresence =
  | { readonly kind: "empty" }
  /** A creation that died: only key slots are there, which open nothing. `createRepository` begins anew. */
  | { readonly kind: "unfinished" }
  | { readonly kind: "ours"; readonly document: RepositoryDocument }
  | { readonly kind: "newer"; readonly formatVersion: number }
  | { readonly kind: "not-ours" };

/** Looks without writing. Throws `object-damaged` when `tidemark.json` is there and cannot be read. */
export async function isRepository(store: ObjectStore): Promise<RepositoryPresence> {
  if (await store.isEmpty()) return { kind: "empty" };
  if ((await store.stat(documentKey)) === null) {
    return (await holdsOnlySlots(store)) ? { kind: "unfinished" } : { kind: "not-ours" };
  }
  return decodeDocument(await store.get(documentKey));
}

export function encodeDocument(document: RepositoryDocument): Uint8Array {
  return jsonBytes(
    {
      tidemark: "repository",
      formatVersion: document.formatVersion,
      id: document.id,
      createdAt: document.createdAt.toISOString(),
      encryption: document.encrypted ? "aes-256-gcm" : "none",
      compression: "zstd",
      frameBytes,
      fingerprint: {
        algorithm: "xxh3-128",
        seed: document.fingerprintSeed === null ? null : Buffer.from(document.fingerprintSeed).toString("base64"),
      },
      // Names of things a reader must know to read this repository; one it does not know makes the repository newer.
      requires: [],
    },
    2,
  );
}

function decodeDocument(bytes: Uint8Array): RepositoryPresence {
  let fields: JsonFields;
  try {
    fields = JsonFields.parse(bytes);
    // Somebody else's file of this name is not our damage.
    if (fields.textOrNull("tidemark") !== "repository") return { kind: "not-ours" };
    const version = fields.number("formatVersion");
    const requires = fields.list("requires", (item) => item);
    if (version > formatVersion || requires.length > 0) return { kind: "newer", formatVersion: version };
    const encryption = fields.text("encryption");
    if (encryption !== "aes-256-gcm" && encryption !== "none") return { kind: "newer", formatVersion: version };
    const encrypted = encryption !== "none";
    const fingerprintSeed = encrypted ? null : fields.object("fingerprint").bytes("seed");
    const createdAt = fields.date("createdAt");
    const document = { id: fields.text("id"), formatVersion: version, createdAt, encrypted, fingerprintSeed };
    return { kind: "ours", document };
  } catch (cause) {
    throw damagedObject(documentKey, "it is no JSON of the expected shape", cause);
  }
}

/** The document of what must be a repository; every other answer is its own error code. */
export async function requireDocument(store: ObjectStore): Promise<RepositoryDocument> {
  const presence = await isRepository(store);
  switch (presence.kind) {
    case "ours":
      return presence.document;
    case "newer":
      throw newerObject(`${store.location}/${documentKey}`, presence.formatVersion);
    case "not-ours":
      throw notOurs(store);
    default:
      throw new AppError("repository-missing", {
        message: `there is no repository in ${store.location}`,
        hint: "check the address, and that the disk is mounted; create the repository if it is new",
        context: { location: store.location },
      });
  }
}

export function notOurs(store: ObjectStore): AppError {
  return new AppError("repository-not-ours", {
    message: `${store.location} holds files that are not a Tidemark repository`,
    hint: "choose an empty folder; nothing was written",
    context: { location: store.location },
  });
}

async function holdsOnlySlots(store: ObjectStore): Promise<boolean> {
  let slots = 0;
  for await (const { key } of store.list("")) {
    if (!key.startsWith(keysPrefix) || !(await isSlot(store, key))) return false;
    slots++;
  }
  return slots > 0;
}

async function isSlot(store: ObjectStore, key: string): Promise<boolean> {
  const bytes = await store.get(key);
  try {
    return JsonFields.parse(bytes).textOrNull("tidemark") === "key-slot";
  } catch {
    // No JSON: somebody else's file.
    return false;
  }
}
