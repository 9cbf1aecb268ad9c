import { AppError } from "@tidemark/kit";
import type {
  GetOptions,
  MemoryStore,
  ObjectBody,
  ObjectFacts,
  ObjectStore,
  PutOptions,
  StoreCapabilities,
} from "@tidemark/storage";

/** Thrown into everything a process does once it was killed. */
export class Killed extends Error {
  override readonly name = "Killed";
}

/** What goes wrong with the next request of a kind. */
export interface PlannedFault {
  readonly operation: "put" | "delete" | "get" | "list";
  readonly effect: "error-before" | "error-after" | "lost-put";
}

/** Whether a process may go on: it may stand still for a while, or be dead. */
export interface Pulse {
  readonly isDead: boolean;
  /** Waits while the process is paused; throws `Killed` when it is dead. */
  beat(): Promise<void>;
}

/**
 * The one store of a run as one process sees it: nothing takes effect once it is killed, nothing while it is paused, and
 * some requests fail. Without `exclusiveCreate` a put writes over what is there, as in a store that cannot refuse.
 */
export class ProcessStore implements ObjectStore {
  readonly location = "memory:";
  fault: PlannedFault | null = null;
  readonly #inner: MemoryStore;
  readonly #pulse: Pulse;
  readonly #exclusiveCreate: boolean;

  constructor(inner: MemoryStore, pulse: Pulse, exclusiveCreate: boolean) {
    this.#inner = inner;
    this.#pulse = pulse;
    this.#exclusiveCreate = exclusiveCreate;
  }

  async put(key: string, body: ObjectBody, options?: PutOptions): Promise<{ readonly sizeBytes: number }> {
    const bytes = await collect(body);
    return this.#run("put", async (lost) => {
      // Losing a lease or pack is survived; a store that loses a manifest after it said "done" loses the backup.
      if (lost && /\/(packs|leases)\//.test(key)) return { sizeBytes: bytes.length };
      if (!this.#exclusiveCreate && (await this.#inner.stat(key)) !== null) {
        this.#inner.overwrite(key, bytes);
        return { sizeBytes: bytes.length };
      }
      return this.#inner.put(key, bytes, options);
    });
  }

  async createsExclusively(): Promise<boolean> {
    return this.#exclusiveCreate;
  }

  get(key: string, options?: GetOptions): Promise<Uint8Array> {
    return this.#run("get", () => this.#inner.get(key, options));
  }

  async *read(key: string, options?: { readonly signal?: AbortSignal }): AsyncGenerator<Uint8Array> {
    await this.#pulse.beat();
    yield* this.#inner.read(key, options);
  }

  stat(key: string): Promise<ObjectFacts | null> {
    return this.#run("get", () => this.#inner.stat(key));
  }

  async *list(prefix: string): AsyncGenerator<ObjectFacts> {
    const found = await this.#run("list", async () => {
      const facts: ObjectFacts[] = [];
      for await (const one of this.#inner.list(prefix)) facts.push(one);
      return facts;
    });
    yield* found;
  }

  listPrefixes(prefix: string): Promise<readonly string[]> {
    return this.#run("list", () => this.#inner.listPrefixes(prefix));
  }

  delete(key: string): Promise<void> {
    return this.#run("delete", () => this.#inner.delete(key));
  }

  isEmpty(): Promise<boolean> {
    return this.#inner.isEmpty();
  }

  async probe(): Promise<StoreCapabilities> {
    return { ...(await this.#inner.probe()), exclusiveCreate: this.#exclusiveCreate };
  }

  async space(): Promise<null> {
    return null;
  }

  async #run<T>(operation: PlannedFault["operation"], act: (lost: boolean) => Promise<T>): Promise<T> {
    await this.#pulse.beat();
    const effect = this.fault?.operation === operation ? this.fault.effect : null;
    if (effect !== null) this.fault = null;
    if (effect === "error-before") throw failed(operation);
    const answer = await act(effect === "lost-put");
    if (effect === "error-after") throw failed(operation);
    return answer;
  }
}

function failed(operation: string): AppError {
  return new AppError("storage-unreachable", { message: `injected fault in ${operation}` });
}

async function collect(body: ObjectBody): Promise<Uint8Array> {
  if (body instanceof Uint8Array) return body;
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk.slice());
  return new Uint8Array(Buffer.concat(chunks));
}
