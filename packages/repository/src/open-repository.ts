import { randomBytes } from "node:crypto";
import { tmpdir } from "node:os";
import { AppError, type Clock, type IdKind, joinCleanup, newId, systemClock } from "@tidemark/kit";
import type { ObjectStore } from "@tidemark/storage";
import { writtenVersion } from "./format.ts";
import type { PassphraseCost } from "./keys/key-derivation.ts";
import { encodeSlot } from "./keys/key-slot.ts";
import { LiveKeyring } from "./keys/live-keyring.ts";
import { openSlots } from "./keys/open-slots.ts";
import { OpenedRepositoryKeys } from "./keys/opened-keys.ts";
import type { RepositoryKeys } from "./keys/repository-keys.ts";
import { ownerOf } from "./keys/slot-writer.ts";
import { outOfScope } from "./keys/wal-scope.ts";
import { FramePool } from "./packs/frame-pool.ts";
import { documentKey, keySlotKey, keysPrefix } from "./paths.ts";
import type { Every, RepositoryContext } from "./repository-context.ts";
import {
  encodeDocument,
  isRepository,
  notOurs,
  type RepositoryDocument,
  requireDocument,
} from "./repository-document.ts";
import { assertCompression, type CompressionSetting, defaultCompression } from "./seal/compression.ts";
import { deriveWalHashKeys, guardKeysOf, walHashKeysOf } from "./seal/guard-key.ts";
import { OpenedServerArea } from "./server-area.ts";
import type { OnStep } from "./steps.ts";
import type { Repository, RepositoryKey, ServerArea } from "./types.ts";
import { WalBlocks } from "./wal/wal-blocks.ts";

export interface RepositoryOptions {
  /** Threads that open frames for restore and verify, and seal WAL. They start when they are needed. Default 2. */
  readonly openerThreads?: number;
  /** How frames of new backups are compressed. Default: `defaultCompression`. */
  readonly compression?: CompressionSetting;
  /** Where a manifest in the making goes beyond 8 MiB: sealed, unlinked at once. Default: the system's temporary folder. */
  readonly spoolFolder?: string;
  /** How often writers, readers and copies renew their leases. Default 10 minutes; six renewals fit into a lease's time. */
  readonly leaseRenewalMs?: number;
  /** Threads that open frames; closed with the repository. Default: `openerThreads` of its own. */
  readonly openers?: FramePool;
  /**
   * Seals WAL in the thread that writes it instead of the pool's: for a caller that has a thread for each segment, and saves
   * the messages and copies between them. Default false.
   */
  readonly sealsHere?: boolean;
  /** The timers of lease renewals. */
  readonly every?: Every;
  readonly onStep?: OnStep;
  readonly clock?: Clock;
  readonly newId?: (kind: IdKind) => string;
  readonly randomBytes?: (length: number) => Uint8Array;
  /** Work factor of passphrase slots. Default: 64 MiB, 3 passes, 4 lanes of Argon2id. */
  readonly passphraseCost?: PassphraseCost;
}

export interface CreateRepositoryOptions extends RepositoryOptions {
  /** The key the first slot is made for, or `"none"` for a repository that anyone who reads its files can read. */
  readonly encryption: RepositoryKey | "none";
}

export interface OpenRepositoryOptions extends RepositoryOptions {
  /** Not needed where nothing is encrypted. */
  readonly key?: RepositoryKey | null;
  /**
   * Whether a key will do that opens the WAL of some servers and nothing else: for a database host, which needs no more. Whatever
   * else is asked of the repository then throws `repository-key-scope`. Default: the opening itself does.
   */
  readonly walAlone?: boolean;
}

/**
 * Makes a repository in an empty store. Throws `repository-exists`, `repository-not-ours` (nothing was written) or
 * `repository-format-newer`. A creation that died half-way is begun anew.
 */
export async function createRepository(store: ObjectStore, options: CreateRepositoryOptions): Promise<Repository> {
  await makeRoom(store);
  const random = options.randomBytes ?? ownRandomBytes;
  const makeId = options.newId ?? newId;
  const createdAt = (options.clock ?? systemClock).now();
  const seed = random(8);
  const encrypted = options.encryption !== "none";
  const id = makeId("repository");
  const fingerprintSeed = encrypted ? null : seed;
  const formatVersion = writtenVersion(encrypted);
  const document: RepositoryDocument = { id, formatVersion, createdAt, encrypted, fingerprintSeed };
  await options.onStep?.("create:before-key");
  if (options.encryption === "none") {
    await putDocument(store, document, options);
    return openWith(store, document, null, options);
  }
  // Slot before document: a repository without a slot could never be opened, a slot alone is nothing yet.
  const slot = makeId("key");
  const secrets = { dataKey: random(32), fingerprintSeed: seed };
  const { encryption: key, passphraseCost } = options;
  const owner = await ownerOf(key);
  const times = { keyCreatedAt: createdAt, createdAt };
  const facts = { slot, ownerId: slot, label: null, walOf: null, keyId: makeId("key"), ...times };
  const newSlot = { repositoryId: id, facts, secrets, owner, randomBytes: random, passphraseCost };
  await store.put(keySlotKey(slot), await encodeSlot(newSlot));
  try {
    await putDocument(store, document, options);
  } catch (error) {
    const lost = error instanceof AppError && error.code === "repository-exists";
    throw lost ? await joinCleanup(error, () => store.delete(keySlotKey(slot))) : error;
  }
  return openWith(store, document, key, options);
}

/**
 * Opens a repository. Throws `repository-missing`, `repository-not-ours`, `repository-format-newer`,
 * `repository-key-missing`, `repository-key-wrong` or `repository-key-scope`.
 */
export async function openRepository(store: ObjectStore, options: OpenRepositoryOptions = {}): Promise<Repository> {
  const document = await requireDocument(store);
  if (!document.encrypted) return openWith(store, document, null, options);
  if (options.key === undefined || options.key === null) {
    throw new AppError("repository-key-missing", {
      message: `${store.location} is encrypted and no key was given`,
      hint: "give its key file or passphrase; the recovery kit has it",
      context: { location: store.location, repositoryId: document.id },
    });
  }
  return openWith(store, document, options.key, options);
}

async function makeRoom(store: ObjectStore): Promise<void> {
  const presence = await isRepository(store);
  if (presence.kind === "ours" || presence.kind === "newer") throw repositoryExists(store);
  if (presence.kind === "not-ours") throw notOurs(store);
  if (presence.kind === "empty") return;
  for await (const { key } of store.list(keysPrefix)) await store.delete(key);
  // What the listing cannot name (files with other characters) is somebody else's.
  if (!(await store.isEmpty())) throw notOurs(store);
}

async function putDocument(
  store: ObjectStore,
  document: RepositoryDocument,
  options: RepositoryOptions,
): Promise<void> {
  await options.onStep?.("create:before-document");
  try {
    await store.put(documentKey, encodeDocument(document));
  } catch (error) {
    if (error instanceof AppError && error.code === "object-exists") throw repositoryExists(store);
    throw error;
  }
  await options.onStep?.("create:after-document");
}

function repositoryExists(store: ObjectStore): AppError {
  return new AppError("repository-exists", {
    message: `there is a repository in ${store.location} already`,
    hint: "open it, or choose another place; nothing was changed",
    context: { location: store.location },
  });
}

async function openWith(
  store: ObjectStore,
  document: RepositoryDocument,
  key: RepositoryKey | null,
  options: Omit<OpenRepositoryOptions, "key">,
): Promise<Repository> {
  const keyring = key === null ? null : new LiveKeyring(document.id, await openSlots(store, document.id, key));
  const walOf = keyring?.walOf ?? null;
  if (walOf !== null && options.walAlone !== true) throw outOfScope(null, walOf);
  const context: RepositoryContext = {
    store,
    repositoryId: document.id,
    keyring,
    guardKeys: keyring === null ? guardKeysOf(document.id, seedOf(document)) : null,
    walHashKeys: keyring?.walHashKeys ?? walHashKeysOf(deriveWalHashKeys(document.id, seedOf(document))),
    get fingerprintSeed() {
      return keyring?.fingerprintSeed ?? seedOf(document);
    },
    compression: assertCompression(options.compression ?? defaultCompression),
    spoolFolder: options.spoolFolder ?? tmpdir(),
    leaseRenewalMs: options.leaseRenewalMs ?? 600_000,
    every: options.every ?? everyInterval,
    clock: options.clock ?? systemClock,
    newId: options.newId ?? newId,
    randomBytes: options.randomBytes ?? ownRandomBytes,
    step: async (name) => options.onStep?.(name),
    openers: options.openers ?? new FramePool({ threads: options.openerThreads ?? 2 }),
    walBlocks: new WalBlocks(),
    sealsHere: options.sealsHere ?? false,
  };
  const { passphraseCost } = options;
  const keys =
    key === null || keyring === null ? null : new OpenedRepositoryKeys({ context, keyring, key, passphraseCost });
  return new OpenedRepository(document, context, keys);
}

function seedOf({ fingerprintSeed }: RepositoryDocument): Uint8Array {
  if (fingerprintSeed === null) throw new Error("a repository without fingerprint seed was opened");
  return fingerprintSeed;
}

class OpenedRepository implements Repository {
  readonly id: string;
  readonly formatVersion: number;
  readonly encrypted: boolean;
  readonly createdAt: Date;
  readonly keys: RepositoryKeys | null;
  readonly #context: RepositoryContext;

  constructor(document: RepositoryDocument, context: RepositoryContext, keys: RepositoryKeys | null) {
    this.keys = keys;
    this.id = document.id;
    this.formatVersion = document.formatVersion;
    this.encrypted = document.encrypted;
    this.createdAt = document.createdAt;
    this.#context = context;
  }

  get location(): string {
    return this.#context.store.location;
  }

  area(serverId: string): ServerArea {
    return new OpenedServerArea(this.#context, serverId);
  }

  async serverIds(): Promise<readonly string[]> {
    const names = await this.#context.store.listPrefixes("");
    return names.filter((name) => `${name}/` !== keysPrefix);
  }

  async close(): Promise<void> {
    await this.#context.openers.close();
  }
}

function everyInterval(intervalMs: number, act: () => void): () => void {
  const timer = setInterval(act, intervalMs);
  timer.unref();
  return () => clearInterval(timer);
}

function ownRandomBytes(length: number): Uint8Array {
  return new Uint8Array(randomBytes(length));
}
