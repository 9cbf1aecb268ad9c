import { createHash, randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PutObjectCommandInput } from "@aws-sdk/client-s3";
import { AppError, joinCleanup } from "@tidemark/kit";
import { isRestartable } from "../object-body.ts";
import { objectExists } from "../object-errors.ts";
import type { ObjectBody } from "../object-store.ts";
import { bodyParts, firstPart, sendParts } from "../remote/body-parts.ts";
import { type RetryOptions, RetryPacer } from "../remote/retry-passing.ts";
import type { S3Connection } from "./s3-connection.ts";
import { isConflict, isRacing, s3Answer, s3Error } from "./s3-errors.ts";
import { abortable } from "./s3-listing.ts";
import type { S3Abilities } from "./s3-probe.ts";

export interface UploadOptions {
  readonly abilities: S3Abilities;
  /** Where a large body waits when the store can create exclusively only in one request. */
  readonly spoolFolder: string | null;
  /** For parts, and for bodies that cannot be asked for a second time; others are repeated by RetryingStore. */
  readonly retry: RetryOptions;
  readonly signal: AbortSignal | undefined;
}

/** S3 takes parts of 5 MiB and more, and one request of up to 5 GiB. */
export const partBytes = 8 * 1024 * 1024;
const largestPutBytes = 5 * 1024 ** 3;

/** Parts double in size every 1,000, so that 10,000 of them (S3's limit) reach its largest object, 5 TiB. */
export function partBytesOf(part: number): number {
  return partBytes * 2 ** Math.floor((part - 1) / 1000);
}

/** Two in flight keep a long line busy while the next is gathered; a third gains little and costs 8 MiB. */
const partsInFlight = 2;

/**
 * One object on its way. It carries an id of its own in its metadata, so that after a lost answer a refused second try
 * can tell our own object, which is success, from somebody else's, which is `object-exists`.
 */
export class S3Upload {
  readonly #connection: S3Connection;
  readonly #key: string;
  readonly #name: string;
  readonly #options: UploadOptions;
  readonly #id = randomUUID();

  constructor(connection: S3Connection, key: string, options: UploadOptions) {
    this.#connection = connection;
    this.#key = key;
    this.#name = connection.address.space.nameOf(key);
    this.#options = options;
  }

  /** Puts the body, in one request or in parts. Gives its size. */
  async send(body: ObjectBody): Promise<number> {
    const { abilities, signal } = this.#options;
    if (!abilities.exclusivePut) await this.#assertFree();
    const parts = bodyParts(body, partBytesOf, signal);
    try {
      const { first, second } = await firstPart(parts);
      if (second === null) return await this.#sendWhole(first, isRestartable(body) ? 1 : undefined);
      const all = (async function* () {
        yield first;
        yield second;
        yield* parts;
      })();
      // Exclusive in one request but not in parts: then a large body is gathered on disk and sent in one as well.
      if (abilities.exclusivePut && !abilities.exclusiveMultipart) return await this.#sendSpooled(all);
      return await this.#sendInParts(all);
    } finally {
      await parts.return();
    }
  }

  async #sendWhole(bytes: Buffer, attempts: number | undefined): Promise<number> {
    const md5 = contentMd5(bytes);
    const retry = attempts === undefined ? this.#options.retry : { attempts };
    await this.#putOnce(() => ({ Body: bytes, ContentLength: bytes.length, ContentMD5: md5 }), retry);
    return bytes.length;
  }

  async #putOnce(content: () => Partial<PutObjectCommandInput>, retry: RetryOptions): Promise<void> {
    const { sdk, client, address } = this.#connection;
    const { abilities, signal } = this.#options;
    await new RetryPacer(retry).run(signal, async () => {
      const input = { Bucket: address.bucket, Key: this.#name, Metadata: this.#metadata(), ...content() };
      const condition = abilities.exclusivePut ? { IfNoneMatch: "*" } : {};
      try {
        await client.send(new sdk.PutObjectCommand({ ...input, ...condition }), abortable(signal));
      } catch (error) {
        if (!isConflict(error)) throw this.#translate(error);
        await this.#acceptOwn(error);
      }
    });
  }

  async #sendSpooled(parts: AsyncIterable<Buffer>): Promise<number> {
    const folder = await mkdtemp(join(this.#options.spoolFolder ?? tmpdir(), "tidemark-upload-"));
    try {
      const path = join(folder, "body");
      const hash = createHash("md5");
      let sizeBytes = 0;
      const handle = await open(path, "wx", 0o600);
      try {
        for await (const part of parts) {
          hash.update(part);
          sizeBytes += part.length;
          await handle.writeFile(part);
        }
      } finally {
        await handle.close();
      }
      if (sizeBytes > largestPutBytes) throw this.#tooLarge(sizeBytes);
      const md5 = hash.digest("base64");
      const content = () => ({ Body: createReadStream(path), ContentLength: sizeBytes, ContentMD5: md5 });
      await this.#putOnce(content, this.#options.retry);
      return sizeBytes;
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  async #sendInParts(parts: AsyncIterable<Buffer>): Promise<number> {
    const pacer = new RetryPacer(this.#options.retry);
    const { signal } = this.#options;
    const uploadId = await pacer.run(signal, () => this.#begin());
    const etags = new Map<number, string>();
    let sizeBytes = 0;
    try {
      await sendParts(parts, partsInFlight, async (part, number) => {
        const md5 = contentMd5(part);
        etags.set(number, await pacer.run(signal, () => this.#sendPart(uploadId, number, part, md5)));
        sizeBytes += part.length;
      });
      if (!this.#options.abilities.exclusivePut) await this.#assertFree();
      await pacer.run(signal, () => this.#complete(uploadId, etags));
      return sizeBytes;
    } catch (error) {
      throw await joinCleanup(error, () => pacer.run(undefined, () => this.#abort(uploadId)));
    }
  }

  async #begin(): Promise<string> {
    const { sdk, client, address } = this.#connection;
    try {
      const input = { Bucket: address.bucket, Key: this.#name, Metadata: this.#metadata() };
      const { UploadId } = await client.send(
        new sdk.CreateMultipartUploadCommand(input),
        abortable(this.#options.signal),
      );
      if (UploadId === undefined) throw new Error("the store gave no upload id");
      return UploadId;
    } catch (error) {
      throw this.#translate(error);
    }
  }

  async #sendPart(uploadId: string, number: number, bytes: Buffer, md5: string): Promise<string> {
    const { sdk, client, address } = this.#connection;
    try {
      const { ETag } = await client.send(
        new sdk.UploadPartCommand({
          Bucket: address.bucket,
          Key: this.#name,
          UploadId: uploadId,
          PartNumber: number,
          Body: bytes,
          ContentLength: bytes.length,
          ContentMD5: md5,
        }),
        abortable(this.#options.signal),
      );
      return ETag ?? "";
    } catch (error) {
      throw this.#translate(error);
    }
  }

  async #complete(uploadId: string, etags: ReadonlyMap<number, string>): Promise<void> {
    const { sdk, client, address } = this.#connection;
    const sorted = [...etags].sort(([a], [b]) => a - b);
    const condition = this.#options.abilities.exclusiveMultipart ? { IfNoneMatch: "*" } : {};
    try {
      await client.send(
        new sdk.CompleteMultipartUploadCommand({
          Bucket: address.bucket,
          Key: this.#name,
          UploadId: uploadId,
          MultipartUpload: { Parts: sorted.map(([PartNumber, ETag]) => ({ PartNumber, ETag })) },
          ...condition,
        }),
        abortable(this.#options.signal),
      );
    } catch (error) {
      // No such upload: it was completed by a try whose answer was lost, or somebody aborted it.
      if (s3Answer(error).code === "NoSuchUpload" || isConflict(error)) await this.#acceptOwn(error);
      else throw this.#translate(error);
    }
  }

  async #abort(uploadId: string): Promise<void> {
    const { sdk, client, address } = this.#connection;
    const input = { Bucket: address.bucket, Key: this.#name, UploadId: uploadId };
    try {
      await client.send(new sdk.AbortMultipartUploadCommand(input));
    } catch (error) {
      if (s3Answer(error).code !== "NoSuchUpload" && s3Answer(error).status !== 404) throw this.#translate(error);
    }
  }

  /** Returns when the object under the key is this very upload; else throws what the refusal meant. */
  async #acceptOwn(error: unknown): Promise<void> {
    const { address } = this.#connection;
    const found = await this.#head();
    if (found?.id === this.#id) return;
    if (found === null && (isRacing(error) || !isConflict(error))) {
      throw new AppError("storage-failed", {
        message: `could not write ${this.#key} in ${address.location}: another request got into its way`,
        hint: "nothing was stored; it is tried again",
        context: { key: this.#key },
      });
    }
    throw objectExists(address.location, this.#key);
  }

  async #assertFree(): Promise<void> {
    const found = await this.#head();
    if (found !== null && found.id !== this.#id) throw objectExists(this.#connection.address.location, this.#key);
  }

  async #head(): Promise<{ readonly id: string | null } | null> {
    const { sdk, client, address } = this.#connection;
    try {
      const command = new sdk.HeadObjectCommand({ Bucket: address.bucket, Key: this.#name });
      const { Metadata } = await client.send(command, abortable(this.#options.signal));
      return { id: Metadata?.[idName] ?? null };
    } catch (error) {
      if (s3Answer(error).status === 404) return null;
      throw this.#translate(error);
    }
  }

  #metadata(): Record<string, string> {
    return { [idName]: this.#id };
  }

  #translate(error: unknown): AppError {
    return s3Error(error, `write ${this.#key}`, this.#connection.address.location);
  }

  #tooLarge(sizeBytes: number): AppError {
    return new AppError("bad-request", {
      message: `${this.#key} (${sizeBytes} bytes) is too large for ${this.#connection.address.location}, which creates exclusively only what fits one request of 5 GiB`,
      hint: "nothing was stored; use a store with exclusive uploads in parts",
    });
  }
}

const idName = "tidemark-upload";

/** Guards each request's bytes on their way; a bucket with object lock asks for it. No security rests on it. */
export function contentMd5(bytes: Uint8Array): string {
  return createHash("md5").update(bytes).digest("base64");
}
