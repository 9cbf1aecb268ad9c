/**
 * The port through which everything at rest is moved: immutable objects under keys. Drivers: filesystem, memory,
 * S3, Azure Blob. Cross-cutting concerns (retry, throttle, read-only, fault) are wrappers of this same port.
 *
 * Contract (the contract suite in `contract-suite.ts` checks every driver against it):
 * - Keys are `/`-separated, relative, made of `[A-Za-z0-9._=+-]` parts; never empty, `.` or `..`. Anything else is `bad-request`.
 * - An object appears under its key whole and durable, or not at all, whatever dies in between.
 * - `put` never overwrites: an existing key is `object-exists` (a driver whose store cannot refuse says so in `probe`).
 *   A `put` that failed may be repeated; one that reported success must not be.
 * - `get` and `stat` of a missing key are `object-missing` and null; `delete` of a missing key succeeds.
 * - "could not ask" is never answered as "not there": it is `storage-unreachable`, `storage-denied` or `storage-failed`.
 * - No space is `storage-full`; a store that refuses writes is `repository-read-only`.
 */
export interface ObjectStore {
  /** For messages and logs: `file:///backups`, `memory:`. Holds no secret. */
  readonly location: string;
  put(key: string, body: ObjectBody, options?: PutOptions): Promise<{ readonly sizeBytes: number }>;
  /** The whole object, or the bytes of `range`. A range that ends past the object is `object-damaged`. */
  get(key: string, options?: GetOptions): Promise<Uint8Array>;
  /** The whole object in chunks, for what may be larger than memory allows. */
  read(key: string, options?: { readonly signal?: AbortSignal }): AsyncIterable<Uint8Array>;
  /**
   * The file of this machine that holds just the bytes of an object, whether it is there or not, for threads that read it
   * themselves; null, or no such method, where there is none, or where reading past the store would pass by what a wrapper
   * is there for. Who cannot read that file asks the store, which says why.
   */
  fileOf?(key: string): string | null;
  stat(key: string): Promise<ObjectFacts | null>;
  /** Every object whose key starts with `prefix` (ends at a `/` or is empty), in key order. */
  list(prefix: string, options?: ListOptions): AsyncIterable<ObjectFacts>;
  /** The names directly below `prefix` (ends in `/` or is empty): sub-prefixes without their `/`, in order. */
  listPrefixes(prefix: string): Promise<readonly string[]>;
  delete(key: string): Promise<void>;
  /**
   * Begins an object that lasts piece by piece while it grows. No such method where a store cannot (only files can); null
   * where a wrapper could not keep its promise.
   */
  beginAppend?(options?: AppendOptions): Promise<AppendableObject | null>;
  /**
   * What can be seen under this key by now lasts when this resolves, be it that whoever wrote it died before it was synced: the
   * system's memory shows it until the machine loses its power. No such method where what is seen lasts anyway. No object:
   * nothing.
   */
  settle?(key: string): Promise<void>;
  /** Nothing at all is there, ours or not (a file system's `lost+found`, empty folders and our own temporary files aside). */
  isEmpty(): Promise<boolean>;
  /** What the store can do, tried on the store itself when it is attached. */
  probe(): Promise<StoreCapabilities>;
  /** Whether the store itself refuses a second `put` of a key, as `probe` says; found out once, then remembered. */
  createsExclusively(): Promise<boolean>;
  /** Bytes free and in all where the store can tell, else null. */
  space(): Promise<{ readonly freeBytes: bigint; readonly totalBytes: bigint } | null>;
}

/** An iterable whose iterator is a new one each time can be sent again by the retry wrapper; a bare generator cannot. */
export type ObjectBody = Uint8Array | AsyncIterable<Uint8Array>;

/**
 * An object in the making. Before `publish` it has no key and nothing of it lasts; from then on it can be read, and what
 * was synced lasts whatever dies, be it the machine. What was appended and not synced may be there, in part or garbled:
 * whoever reads a growing object must be able to tell. Appends may go on beside a sync or a publish; else one act at a time.
 */
export interface AppendableObject {
  /** Bytes appended so far. */
  readonly sizeBytes: number;
  /** The chunks may be reused once this resolves. After a throw only `close` is of use. */
  append(chunks: readonly Uint8Array[]): Promise<void>;
  /** What was appended before the call lasts when this resolves. */
  sync(): Promise<void>;
  /**
   * Syncs, and makes it the object of this key; `object-exists` where there is one. Once more: it moves to another key, and
   * is under both for a moment.
   */
  publish(key: string): Promise<void>;
  /** What was never published is gone. */
  close(): Promise<void>;
}

export interface AppendOptions {
  /**
   * Zeros kept written behind what was appended, so that a sync need not make a new size durable as well (on ext4 that is a
   * commit of its journal for each). The object is longer by them and ends in zeros. Default 0.
   */
  readonly reserveBytes?: number;
  /**
   * Each append is going to be synced: where a store can do both in one, it does, and `sync` is there for the others. Spares
   * a way to a thread and back. Default false.
   */
  readonly syncsEach?: boolean;
  readonly signal?: AbortSignal;
}

export interface ListOptions {
  /** Only keys behind this one, in key order. Costs nothing for what is passed over, where the store can skip. */
  readonly after?: string;
  readonly signal?: AbortSignal;
}

export interface PutOptions {
  readonly signal?: AbortSignal;
}

export interface GetOptions {
  readonly range?: { readonly offset: number; readonly length: number };
  readonly signal?: AbortSignal;
}

export interface ObjectFacts {
  readonly key: string;
  readonly sizeBytes: number;
  readonly modifiedAt: Date;
}

export interface StoreCapabilities {
  /** A second `put` of one key is refused by the store itself. */
  readonly exclusiveCreate: boolean;
  readonly writable: boolean;
  /** A checksum sent behind a body in chunks is understood. Null: no question of this store. */
  readonly checksumTrailers: boolean | null;
  /** Whether the store keeps what is deleted. Null: no question of this store, or it cannot be asked. */
  readonly versioning: "off" | "on" | "suspended" | null;
  /** Objects can be, or are, locked against deletion for a time. Null: not, or it cannot be asked. */
  readonly objectLock: ObjectLock | null;
}

export interface ObjectLock {
  /** What every new object gets by itself; null: locks are possible and none is set by default. */
  readonly byDefault: { readonly mode: "governance" | "compliance"; readonly days: number } | null;
}

/** What a store says that has neither versions nor locks nor checksums of its own. */
export const plainCapabilities = { checksumTrailers: null, versioning: null, objectLock: null } as const;
