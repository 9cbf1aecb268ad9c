import { createHash, randomUUID } from "node:crypto";
import type { AppError } from "@tidemark/kit";
import { isRestartable } from "../object-body.ts";
import { objectExists } from "../object-errors.ts";
import type { ObjectBody } from "../object-store.ts";
import { bodyParts, firstPart, sendParts } from "../remote/body-parts.ts";
import { type RetryOptions, RetryPacer } from "../remote/retry-passing.ts";
import type { AzureConnection } from "./azure-connection.ts";
import { azureAnswer, azureError, isAzureConflict } from "./azure-errors.ts";

export interface AzureUploadOptions {
  readonly retry: RetryOptions;
  readonly signal: AbortSignal | undefined;
}

/** Blocks double in size every 5,000, so that 50,000 of them (Azure's limit) reach far beyond any object of ours. */
const blockBytes = (block: number): number => 8 * 1024 * 1024 * 2 ** Math.floor((block - 1) / 5000);
const blocksInFlight = 2;

/**
 * One blob on its way. Both forms create exclusively: a blob in one request, and the list that makes blocks a blob.
 * Blocks nobody lists are no blob and are thrown away by the store after a week.
 */
export class AzureUpload {
  readonly #connection: AzureConnection;
  readonly #key: string;
  readonly #options: AzureUploadOptions;
  /** In the blob's metadata: after a lost answer a refused second try tells our own blob from another's. */
  readonly #id = randomUUID();

  constructor(connection: AzureConnection, key: string, options: AzureUploadOptions) {
    this.#connection = connection;
    this.#key = key;
    this.#options = options;
  }

  async send(body: ObjectBody): Promise<number> {
    const parts = bodyParts(body, blockBytes, this.#options.signal);
    try {
      const { first, second } = await firstPart(parts);
      if (second === null)
        return await this.#sendWhole(first, isRestartable(body) ? { attempts: 1 } : this.#options.retry);
      return await this.#sendBlocks(
        (async function* () {
          yield first;
          yield second;
          yield* parts;
        })(),
      );
    } finally {
      await parts.return();
    }
  }

  async #sendWhole(bytes: Buffer, retry: RetryOptions): Promise<number> {
    const options = { ...this.#creation(), ...this.#abort() };
    await this.#exclusively(retry, () => this.#blob().upload(bytes, bytes.length, options));
    return bytes.length;
  }

  async #sendBlocks(parts: AsyncIterable<Buffer>): Promise<number> {
    const pacer = new RetryPacer(this.#options.retry);
    const ids: string[] = [];
    let sizeBytes = 0;
    await sendParts(parts, blocksInFlight, async (part, number) => {
      // All ids of a blob must be of one length; ours begin with the upload, so that two writers' blocks never mix.
      const id = Buffer.from(`${this.#id}-${String(number).padStart(6, "0")}`).toString("base64");
      ids[number - 1] = id;
      const transactionalContentMD5 = createHash("md5").update(part).digest();
      await pacer.run(this.#options.signal, async () => {
        try {
          await this.#blob().stageBlock(id, part, part.length, { transactionalContentMD5, ...this.#abort() });
        } catch (error) {
          throw this.#translate(error);
        }
      });
      sizeBytes += part.length;
    });
    const options = { ...this.#creation(), ...this.#abort() };
    await this.#exclusively(this.#options.retry, () => this.#blob().commitBlockList(ids, options));
    return sizeBytes;
  }

  async #exclusively(retry: RetryOptions, act: () => Promise<unknown>): Promise<void> {
    await new RetryPacer(retry).run(this.#options.signal, async () => {
      try {
        await act();
      } catch (error) {
        if (azureAnswer(error).code === "InvalidBlockList") throw this.#blocksGone();
        if (!isAzureConflict(error)) throw this.#translate(error);
        if ((await this.#idThere()) !== this.#id) throw objectExists(this.#connection.address.location, this.#key);
      }
    });
  }

  /** Another writer's list for the same key made the store drop our blocks: the key is taken, or was for a moment. */
  #blocksGone(): AppError {
    return objectExists(this.#connection.address.location, this.#key);
  }

  async #idThere(): Promise<string | null> {
    try {
      const { metadata } = await this.#blob().getProperties(this.#abort());
      return metadata?.[idName] ?? null;
    } catch (error) {
      if (azureAnswer(error).status === 404) return null;
      throw this.#translate(error);
    }
  }

  #blob() {
    const { container, address } = this.#connection;
    return container.getBlockBlobClient(address.space.nameOf(this.#key));
  }

  #creation() {
    return { conditions: { ifNoneMatch: "*" }, metadata: { [idName]: this.#id } };
  }

  #abort(): { abortSignal?: AbortSignal } {
    return this.#options.signal === undefined ? {} : { abortSignal: this.#options.signal };
  }

  #translate(error: unknown): AppError {
    return azureError(error, `write ${this.#key}`, this.#connection.address.location);
  }
}

/** Azure takes names of metadata that are C# identifiers. */
const idName = "tidemarkupload";
