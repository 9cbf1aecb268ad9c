import { randomUUID } from "node:crypto";
import type { BlobDownloadResponseParsed } from "@azure/storage-blob";
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
import type { AzureConnection } from "./azure-connection.ts";
import { azureAnswer, azureError, isAzureConflict } from "./azure-errors.ts";
import { AzureUpload } from "./azure-upload.ts";

/**
 * Objects as block blobs in a container. Creation is exclusive by `If-None-Match: *` in every form. Soft delete, versions
 * and immutability policies of the account keep what is deleted for their time; here it counts as deleted.
 */
export class AzureStore implements ObjectStore {
  readonly location: string;
  readonly #connection: AzureConnection;
  #exclusive: Promise<boolean> | null = null;
  readonly #retry: RetryOptions;

  constructor(connection: AzureConnection, options: { readonly retry?: RetryOptions } = {}) {
    this.#connection = connection;
    this.#retry = options.retry ?? { attempts: 4 };
    this.location = connection.address.location;
  }

  async put(key: string, body: ObjectBody, options: PutOptions = {}): Promise<{ readonly sizeBytes: number }> {
    this.#name(key);
    throwIfCancelled(options.signal);
    const upload = new AzureUpload(this.#connection, key, { retry: this.#retry, signal: options.signal });
    return { sizeBytes: await upload.send(body) };
  }

  async get(key: string, options: GetOptions = {}): Promise<Uint8Array> {
    throwIfCancelled(options.signal);
    const { range } = options;
    if (range?.length === 0) return await this.#emptyRange(key, range.offset);
    const answer = await this.#open(key, range, options.signal);
    const expectedBytes = answer.contentLength ?? 0;
    if (range !== undefined && expectedBytes !== range.length) {
      (answer.readableStreamBody as { destroy?: () => void } | undefined)?.destroy?.();
      const total = Number(/\/(\d+)$/.exec(answer.contentRange ?? "")?.[1] ?? Number.NaN);
      throw rangePastEnd(this.location, key, range.offset + range.length, total);
    }
    const bytes = new Uint8Array(expectedBytes);
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
    const blob = this.#connection.container.getBlobClient(this.#name(key));
    try {
      const found = await blob.getProperties();
      return { key, sizeBytes: found.contentLength ?? 0, modifiedAt: found.lastModified ?? new Date(0) };
    } catch (error) {
      const { code, status } = azureAnswer(error);
      // A HEAD's code stands in a header; without it a missing container and a missing blob look alike.
      if (code === "BlobNotFound") return null;
      if (status !== 404) throw azureError(error, `look at ${key}`, this.location);
    }
    for await (const facts of this.#blobs(this.#name(key), undefined)) {
      return facts.name === this.#name(key) ? { key, sizeBytes: facts.sizeBytes, modifiedAt: facts.modifiedAt } : null;
    }
    return null;
  }

  /** Azure cannot begin a listing in the middle: what is passed over is listed all the same. */
  async *list(prefix: string, options: ListOptions = {}): AsyncGenerator<ObjectFacts> {
    const { space } = this.#connection.address;
    for await (const { name, sizeBytes, modifiedAt } of this.#blobs(space.prefixOf(prefix), options.signal)) {
      throwIfCancelled(options.signal);
      const key = space.keyOf(name);
      if (key !== null && key > (options.after ?? "")) yield { key, sizeBytes, modifiedAt };
    }
  }

  async listPrefixes(prefix: string): Promise<readonly string[]> {
    assertPrefix(prefix);
    const { container, address } = this.#connection;
    const names: string[] = [];
    try {
      for await (const item of container.listBlobsByHierarchy("/", { prefix: address.space.prefixOf(prefix) })) {
        const part = item.kind === "prefix" ? address.space.partOf(item.name, prefix) : null;
        if (part !== null) names.push(part);
      }
    } catch (error) {
      throw azureError(error, "list the blobs", this.location);
    }
    return names.sort();
  }

  async delete(key: string): Promise<void> {
    const blob = this.#connection.container.getBlobClient(this.#name(key));
    try {
      await blob.delete({ deleteSnapshots: "include" });
    } catch (error) {
      if (azureAnswer(error).code !== "BlobNotFound") throw azureError(error, `delete ${key}`, this.location);
    }
  }

  async isEmpty(): Promise<boolean> {
    const { space } = this.#connection.address;
    for await (const { name, sizeBytes } of this.#blobs(space.root, undefined)) {
      if (space.isForeign(name, sizeBytes)) return false;
    }
    return true;
  }

  async probe(): Promise<StoreCapabilities> {
    const { container, address } = this.#connection;
    const blob = container.getBlockBlobClient(address.space.probeName(randomUUID()));
    const body = Buffer.from("Tidemark tries what this store can do; it may be removed.\n");
    const nothing = { checksumTrailers: null, versioning: null, objectLock: null } as const;
    try {
      await blob.upload(body, body.length);
    } catch (error) {
      const wrapped = azureError(error, "write a first blob", this.location);
      if (wrapped.code === "storage-denied") return { exclusiveCreate: true, writable: false, ...nothing };
      throw wrapped;
    }
    try {
      await blob.upload(body, body.length, { conditions: { ifNoneMatch: "*" } });
      return { exclusiveCreate: false, writable: true, ...nothing };
    } catch (error) {
      if (isAzureConflict(error)) return { exclusiveCreate: true, writable: true, ...nothing };
      throw azureError(error, "try an exclusive create", this.location);
    } finally {
      await blob.deleteIfExists().catch((error: unknown) => {
        // A writer that may not delete leaves its probe; nothing takes it for an object.
        if (azureAnswer(error).status !== 403) throw azureError(error, "remove the probe", this.location);
      });
    }
  }

  createsExclusively(): Promise<boolean> {
    this.#exclusive ??= this.probe().then(
      ({ exclusiveCreate }) => exclusiveCreate,
      (error: unknown) => {
        this.#exclusive = null;
        throw error;
      },
    );
    return this.#exclusive;
  }

  /** Azure has no such question. */
  async space(): Promise<null> {
    return null;
  }

  #name(key: string): string {
    return this.#connection.address.space.nameOf(key);
  }

  async *#blobs(
    prefix: string,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<{ readonly name: string; readonly sizeBytes: number; readonly modifiedAt: Date }> {
    const abort = signal === undefined ? {} : { abortSignal: signal };
    try {
      for await (const { name, properties } of this.#connection.container.listBlobsFlat({ prefix, ...abort })) {
        yield { name, sizeBytes: properties.contentLength ?? 0, modifiedAt: properties.lastModified };
      }
    } catch (error) {
      throw azureError(error, "list the blobs", this.location);
    }
  }

  async #open(
    key: string,
    range: GetOptions["range"],
    signal: AbortSignal | undefined,
  ): Promise<BlobDownloadResponseParsed> {
    const blob = this.#connection.container.getBlobClient(this.#name(key));
    try {
      // No reconnecting inside the SDK: a broken stream is an error that RetryingStore knows what to do with.
      const options = { maxRetryRequests: 0, ...(signal === undefined ? {} : { abortSignal: signal }) };
      return await blob.download(range?.offset ?? 0, range?.length, options);
    } catch (error) {
      if (azureAnswer(error).status !== 416 || range === undefined) {
        throw azureError(error, `read ${key}`, this.location, key);
      }
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

  #watched(
    key: string,
    answer: BlobDownloadResponseParsed,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Uint8Array> {
    return watchedStream(answer.readableStreamBody as unknown as AsyncIterable<Uint8Array>, {
      location: this.location,
      key,
      expectedBytes: answer.contentLength ?? null,
      stallMs: this.#connection.stallMs,
      signal,
      translate: (error) => azureError(error, `read ${key}`, this.location),
    });
  }
}
