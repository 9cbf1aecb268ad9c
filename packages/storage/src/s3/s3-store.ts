import type { GetObjectCommandOutput } from "@aws-sdk/client-s3";
import { AppError, type Clock, systemClock } from "@tidemark/kit";
import { objectMissing, rangePastEnd, throwIfCancelled } from "../object-errors.ts";
import { assertPrefix } from "../object-key.ts";
import type {
  GetOptions,
  ListOptions,
  ObjectBody,
  ObjectFacts,
  ObjectStore,
  PutOptions,
  StoreCapabilities,
} from "../object-store.ts";
import type { RetryOptions } from "../remote/retry-passing.ts";
import { watchedStream } from "../remote/watched-stream.ts";
import type { S3Connection } from "./s3-connection.ts";
import { s3Answer, s3Error } from "./s3-errors.ts";
import { abortable, findByListing, listPages } from "./s3-listing.ts";
import { probeS3, type S3Abilities } from "./s3-probe.ts";
import { S3Upload } from "./s3-upload.ts";

export interface S3StoreOptions {
  readonly clock?: Clock;
  /** Where a large body waits when the store creates exclusively only in one request. Default: the system's. */
  readonly spoolFolder?: string | null;
  /** For the parts of uploads. Default: 4 tries. */
  readonly retry?: RetryOptions;
}

/**
 * Objects in a bucket of S3 or what speaks like it. What the store can do is found out before the first write (`probe`):
 * where it cannot create exclusively, a `put` looks first, and that is no protection against two writers at once.
 *
 * In a versioned bucket a deleted object is hidden behind a delete marker, and its bytes go when the bucket's lifecycle
 * rule says so; a locked one likewise, but not before its retention ends. Both count as deleted here.
 */
export class S3Store implements ObjectStore {
  readonly location: string;
  readonly #connection: S3Connection;
  readonly #options: S3StoreOptions;
  #abilities: Promise<S3Abilities> | null = null;

  constructor(connection: S3Connection, options: S3StoreOptions = {}) {
    this.#connection = connection;
    this.#options = options;
    this.location = connection.address.location;
  }

  async put(key: string, body: ObjectBody, options: PutOptions = {}): Promise<{ readonly sizeBytes: number }> {
    this.#name(key);
    throwIfCancelled(options.signal);
    const abilities = await this.#known();
    if (!abilities.writable) throw this.#readOnly(key);
    const upload = new S3Upload(this.#connection, key, {
      abilities,
      spoolFolder: this.#options.spoolFolder ?? null,
      retry: this.#options.retry ?? { attempts: 4 },
      signal: options.signal,
    });
    return { sizeBytes: await upload.send(body) };
  }

  async get(key: string, options: GetOptions = {}): Promise<Uint8Array> {
    throwIfCancelled(options.signal);
    const { range } = options;
    // HTTP knows no empty range.
    if (range?.length === 0) return await this.#emptyRange(key, range.offset);
    const answer = await this.#open(key, range, options.signal);
    const expectedBytes = answer.ContentLength ?? null;
    const totalBytes = Number(/\/(\d+)$/.exec(answer.ContentRange ?? "")?.[1] ?? Number.NaN);
    if (range !== undefined && expectedBytes !== range.length) {
      discard(answer);
      throw rangePastEnd(this.location, key, range.offset + range.length, totalBytes);
    }
    const bytes = new Uint8Array(expectedBytes ?? 0);
    let at = 0;
    for await (const chunk of this.#watched(key, answer, options.signal)) {
      bytes.set(chunk.subarray(0, bytes.length - at), at);
      at += chunk.length;
    }
    return bytes;
  }

  async *read(key: string, options: { readonly signal?: AbortSignal } = {}): AsyncGenerator<Uint8Array> {
    const answer = await this.#open(key, undefined, options.signal);
    yield* this.#watched(key, answer, options.signal);
  }

  async stat(key: string): Promise<ObjectFacts | null> {
    const { sdk, client, address } = this.#connection;
    const name = this.#name(key);
    try {
      const found = await client.send(new sdk.HeadObjectCommand({ Bucket: address.bucket, Key: name }));
      return { key, sizeBytes: found.ContentLength ?? 0, modifiedAt: found.LastModified ?? new Date(0) };
    } catch (error) {
      if (s3Answer(error).code !== "") throw s3Error(error, `look at ${key}`, this.location);
      if (s3Answer(error).status === null) throw s3Error(error, `look at ${key}`, this.location);
    }
    // A HEAD's refusal has no body: a missing bucket, a missing right and a missing object look alike. A listing tells.
    const facts = await findByListing(this.#connection, name);
    return facts === null ? null : { key, ...facts };
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncGenerator<ObjectFacts> {
    const { space } = this.#connection.address;
    const { after = "", signal } = options;
    const from = after === "" ? {} : { startAfter: space.root + after };
    for await (const page of listPages(this.#connection, { prefix: space.prefixOf(prefix), signal, ...from })) {
      for (const { Key = "", Size = 0, LastModified = new Date(0) } of page.Contents ?? []) {
        throwIfCancelled(options.signal);
        const key = space.keyOf(Key);
        // Not every store that speaks S3 knows `StartAfter`.
        if (key !== null && key > after) yield { key, sizeBytes: Size, modifiedAt: LastModified };
      }
    }
  }

  async listPrefixes(prefix: string): Promise<readonly string[]> {
    assertPrefix(prefix);
    const { space } = this.#connection.address;
    const names = new Set<string>();
    for await (const page of listPages(this.#connection, { prefix: space.prefixOf(prefix), delimiter: "/" })) {
      for (const { Prefix = "" } of page.CommonPrefixes ?? []) {
        const part = space.partOf(Prefix, prefix);
        if (part !== null) names.add(part);
      }
    }
    return [...names].sort();
  }

  /** In a versioned bucket this sets a delete marker; see the class. */
  async delete(key: string): Promise<void> {
    const { sdk, client, address } = this.#connection;
    try {
      await client.send(new sdk.DeleteObjectCommand({ Bucket: address.bucket, Key: this.#name(key) }));
    } catch (error) {
      const { code, status } = s3Answer(error);
      // AWS answers 204 for what is not there, some others 404.
      if (code === "NoSuchKey" || (status === 404 && code === "")) return;
      throw s3Error(error, `delete ${key}`, this.location);
    }
  }

  async isEmpty(): Promise<boolean> {
    const { space } = this.#connection.address;
    for await (const page of listPages(this.#connection, { prefix: space.root })) {
      if ((page.Contents ?? []).some(({ Key = "", Size = 0 }) => space.isForeign(Key, Size))) return false;
    }
    return true;
  }

  async probe(): Promise<StoreCapabilities> {
    this.#abilities = null;
    const { writable, exclusivePut, checksumTrailers, versioning, objectLock } = await this.#known();
    return { exclusiveCreate: exclusivePut, writable, checksumTrailers, versioning, objectLock };
  }

  async createsExclusively(): Promise<boolean> {
    return (await this.#known()).exclusivePut;
  }

  /** S3 has no such question. */
  async space(): Promise<null> {
    return null;
  }

  #name(key: string): string {
    return this.#connection.address.space.nameOf(key);
  }

  /** Found out once; what failed is asked again by the next one who needs it. */
  #known(): Promise<S3Abilities> {
    this.#abilities ??= probeS3(this.#connection, this.#options.clock ?? systemClock).catch((error: unknown) => {
      this.#abilities = null;
      throw error;
    });
    return this.#abilities;
  }

  async #open(
    key: string,
    range: GetOptions["range"],
    signal: AbortSignal | undefined,
  ): Promise<GetObjectCommandOutput> {
    const { sdk, client, address } = this.#connection;
    const Range = range === undefined ? undefined : `bytes=${range.offset}-${range.offset + range.length - 1}`;
    const input = { Bucket: address.bucket, Key: this.#name(key), Range };
    try {
      return await client.send(new sdk.GetObjectCommand(input), abortable(signal));
    } catch (error) {
      if (s3Answer(error).status !== 416 || range === undefined)
        throw s3Error(error, `read ${key}`, this.location, key);
    }
    const facts = await this.stat(key);
    if (facts === null) throw objectMissing(this.location, key);
    throw rangePastEnd(this.location, key, range.offset + range.length, facts.sizeBytes);
  }

  async #emptyRange(key: string, offset: number): Promise<Uint8Array> {
    const facts = await this.stat(key);
    if (facts === null) throw objectMissing(this.location, key);
    if (offset > facts.sizeBytes) throw rangePastEnd(this.location, key, offset, facts.sizeBytes);
    return new Uint8Array(0);
  }

  #watched(key: string, answer: GetObjectCommandOutput, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
    return watchedStream(answer.Body as unknown as AsyncIterable<Uint8Array>, {
      location: this.location,
      key,
      expectedBytes: answer.ContentLength ?? null,
      stallMs: this.#connection.stallMs,
      signal,
      translate: (error) => s3Error(error, `read ${key}`, this.location),
    });
  }

  #readOnly(key: string): AppError {
    return new AppError("repository-read-only", {
      message: `will not write ${key}: the credentials may read ${this.location} but not write to it`,
      hint: "nothing was changed; the rights a writer needs are listed in docs/object-stores.md",
    });
  }
}

function discard(answer: GetObjectCommandOutput): void {
  (answer.Body as { destroy?: () => void } | undefined)?.destroy?.();
}
