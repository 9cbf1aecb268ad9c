import type {
  AppendableObject,
  AppendOptions,
  GetOptions,
  ListOptions,
  ObjectBody,
  ObjectFacts,
  ObjectStore,
  PutOptions,
  StoreCapabilities,
} from "./object-store.ts";

/** Passes every operation on; a wrapper overrides those it changes. */
export abstract class StoreWrapper implements ObjectStore {
  protected readonly inner: ObjectStore;

  constructor(inner: ObjectStore) {
    this.inner = inner;
  }

  get location(): string {
    return this.inner.location;
  }

  put(key: string, body: ObjectBody, options?: PutOptions): Promise<{ readonly sizeBytes: number }> {
    return this.inner.put(key, body, options);
  }

  get(key: string, options?: GetOptions): Promise<Uint8Array> {
    return this.inner.get(key, options);
  }

  read(key: string, options?: { readonly signal?: AbortSignal }): AsyncIterable<Uint8Array> {
    return this.inner.read(key, options);
  }

  stat(key: string): Promise<ObjectFacts | null> {
    return this.inner.stat(key);
  }

  list(prefix: string, options?: ListOptions): AsyncIterable<ObjectFacts> {
    return this.inner.list(prefix, options);
  }

  listPrefixes(prefix: string): Promise<readonly string[]> {
    return this.inner.listPrefixes(prefix);
  }

  delete(key: string): Promise<void> {
    return this.inner.delete(key);
  }

  isEmpty(): Promise<boolean> {
    return this.inner.isEmpty();
  }

  async beginAppend(options?: AppendOptions): Promise<AppendableObject | null> {
    return (await this.inner.beginAppend?.(options)) ?? null;
  }

  async settle(key: string): Promise<void> {
    await this.inner.settle?.(key);
  }

  createsExclusively(): Promise<boolean> {
    return this.inner.createsExclusively();
  }

  probe(): Promise<StoreCapabilities> {
    return this.inner.probe();
  }

  space(): Promise<{ readonly freeBytes: bigint; readonly totalBytes: bigint } | null> {
    return this.inner.space();
  }
}

/** Every act of an object in the making passed on, for wrappers that change some of them. */
export function passAppendable(object: AppendableObject): AppendableObject {
  return {
    get sizeBytes() {
      return object.sizeBytes;
    },
    append: (chunks) => object.append(chunks),
    sync: () => object.sync(),
    publish: (key) => object.publish(key),
    close: () => object.close(),
  };
}
