import { randomUUID } from "node:crypto";
import { Readable } from "node:stream";
import type { PutObjectCommandInput } from "@aws-sdk/client-s3";
import type { AppError, Clock } from "@tidemark/kit";
import type { ObjectLock } from "../object-store.ts";
import type { S3Connection } from "./s3-connection.ts";
import { isConflict, s3Answer, s3Error } from "./s3-errors.ts";
import { contentMd5 } from "./s3-upload.ts";

/** What one bucket can do for one set of credentials. */
export interface S3Abilities {
  readonly writable: boolean;
  /** A second put of a key with `If-None-Match: *` is refused. */
  readonly exclusivePut: boolean;
  /** So is the completion of a multipart upload onto a key that is there. */
  readonly exclusiveMultipart: boolean;
  /** A body sent in chunks with a checksum behind it arrives as it was sent, without its frames. */
  readonly checksumTrailers: boolean;
  /** Null: it cannot be asked (no right, or the store has no such question). */
  readonly versioning: "off" | "on" | "suspended" | null;
  /** Null: none, or it cannot be asked. */
  readonly objectLock: ObjectLock | null;
}

/**
 * Finds out on the store itself. Stores differ in what they honour, and the same one differs between buckets (Ceph's
 * gateway refuses a second conditional put, but not in a versioned bucket, and never when an upload in parts completes),
 * so nothing is concluded from a name. Writes below `~probe/`, which no key can be, and takes it away again.
 */
export async function probeS3(connection: S3Connection, clock: Clock): Promise<S3Abilities> {
  const versioning = await versioningOf(connection);
  const objectLock = versioning === "on" ? await objectLockOf(connection) : null;
  const none = { exclusivePut: false, exclusiveMultipart: false, checksumTrailers: false, versioning, objectLock };
  // Where every object is locked for a time, one and the same probe is enough for ever: it cannot be taken away.
  const lasting = objectLock?.byDefault !== null && objectLock !== null;
  const probe = new Probe(connection, connection.address.space.probeName(lasting ? "locked" : randomUUID()));
  try {
    if (!(await probe.mayWrite())) return { writable: false, ...none };
    const [exclusive, checksumTrailers] = await Promise.all([
      probe.creation(!lasting),
      lasting ? false : probe.takesTrailers(),
    ]);
    return { writable: true, ...exclusive, checksumTrailers, versioning, objectLock };
  } finally {
    if (!lasting) await probe.cleanUp();
    await abortOldUploads(connection, clock);
  }
}

class Probe {
  readonly #connection: S3Connection;
  readonly #name: string;
  /** What was written, so that in a versioned bucket nothing stays behind, not even a delete marker. */
  readonly #written: { readonly name: string; readonly versionId: string | undefined }[] = [];

  constructor(connection: S3Connection, name: string) {
    this.#connection = connection;
    this.#name = name;
  }

  async mayWrite(): Promise<boolean> {
    try {
      await this.#put(this.#name, {});
      return true;
    } catch (error) {
      const { status, code } = s3Answer(error);
      if (code === "AccessDenied" || (status === 403 && code === "")) return false;
      throw s3Error(error, "write a first object", this.#connection.address.location);
    }
  }

  async creation(inPartsToo: boolean): Promise<Pick<S3Abilities, "exclusivePut" | "exclusiveMultipart">> {
    const exclusivePut = await this.#refusesSecondPut();
    return { exclusivePut, exclusiveMultipart: exclusivePut && inPartsToo && (await this.#refusesSecondMultipart()) };
  }

  /** 501 (the store says it cannot), or success (it ignored the condition): not exclusive. */
  async #refusesSecondPut(): Promise<boolean> {
    try {
      await this.#put(this.#name, { IfNoneMatch: "*" });
      return false;
    } catch (error) {
      if (isConflict(error)) return true;
      if (refusesTheQuestion(error)) return false;
      throw s3Error(error, "try an exclusive create", this.#connection.address.location);
    }
  }

  async #refusesSecondMultipart(): Promise<boolean> {
    const { sdk, client, address } = this.#connection;
    const target = { Bucket: address.bucket, Key: this.#name };
    try {
      const { UploadId } = await client.send(new sdk.CreateMultipartUploadCommand(target));
      const upload = { ...target, UploadId };
      const { ETag } = await client.send(new sdk.UploadPartCommand({ ...upload, PartNumber: 1, Body: body }));
      try {
        const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] };
        const done = await client.send(
          new sdk.CompleteMultipartUploadCommand({ ...upload, MultipartUpload, IfNoneMatch: "*" }),
        );
        this.#written.push({ name: this.#name, versionId: done.VersionId });
        return false;
      } catch (error) {
        await client.send(new sdk.AbortMultipartUploadCommand(upload));
        if (isConflict(error)) return true;
        throw error;
      }
    } catch (error) {
      if (refusesTheQuestion(error)) return false;
      throw s3Error(error, "try an upload in parts", address.location);
    }
  }

  async takesTrailers(): Promise<boolean> {
    const { sdk, client, address } = this.#connection;
    const name = `${this.#name}-trailer`;
    try {
      await this.#put(name, {
        Body: Readable.from([body]),
        ContentLength: body.length,
        ContentMD5: undefined,
        ChecksumAlgorithm: "CRC32",
      });
      const found = await client.send(new sdk.GetObjectCommand({ Bucket: address.bucket, Key: name }));
      const bytes = await found.Body?.transformToByteArray();
      return bytes !== undefined && Buffer.compare(bytes, body) === 0;
    } catch (error) {
      // Stores that do not know the form answer with what they stumbled over first: 400, 403, 411, 501.
      if ((s3Answer(error).status ?? 0) >= 400 && s3Answer(error).status !== 503) return false;
      throw s3Error(error, "try a checksum behind the body", address.location);
    }
  }

  async #put(name: string, options: Partial<PutObjectCommandInput>): Promise<void> {
    const { sdk, client, address } = this.#connection;
    const input = { Bucket: address.bucket, Key: name, Body: body, ContentMD5: contentMd5(body), ...options };
    const { VersionId } = await client.send(new sdk.PutObjectCommand(input));
    this.#written.push({ name, versionId: VersionId });
  }

  async cleanUp(): Promise<void> {
    const { sdk, client, address } = this.#connection;
    for (const { name, versionId } of this.#written) {
      const target = { Bucket: address.bucket, Key: name };
      const exact = versionId === undefined ? target : { ...target, VersionId: versionId };
      await client.send(new sdk.DeleteObjectCommand(exact)).catch(async (error: unknown) => {
        // Without the right to remove versions a marker has to do; a writer that may not delete at all leaves its probe.
        if (versionId !== undefined) await client.send(new sdk.DeleteObjectCommand(target)).catch(ignoreDenied);
        else ignoreDenied(error);
      });
    }
  }
}

function ignoreDenied(error: unknown): void {
  if (s3Answer(error).status !== 403) throw error;
}

/** The store says that it knows no such condition or no such request. */
function refusesTheQuestion(error: unknown): boolean {
  const { status, code } = s3Answer(error);
  return status === 501 || status === 400 || status === 405 || code === "NotImplemented";
}

async function versioningOf({ sdk, client, address }: S3Connection): Promise<S3Abilities["versioning"]> {
  try {
    const { Status } = await client.send(new sdk.GetBucketVersioningCommand({ Bucket: address.bucket }));
    return Status === "Enabled" ? "on" : Status === "Suspended" ? "suspended" : "off";
  } catch (error) {
    return unlessUnreachable(error, address.location, "ask for the bucket's versioning");
  }
}

async function objectLockOf({ sdk, client, address }: S3Connection): Promise<ObjectLock | null> {
  try {
    const command = new sdk.GetObjectLockConfigurationCommand({ Bucket: address.bucket });
    const { ObjectLockConfiguration: found } = await client.send(command);
    if (found?.ObjectLockEnabled !== "Enabled") return null;
    const rule = found.Rule?.DefaultRetention;
    if (rule?.Mode === undefined) return { byDefault: null };
    const days = rule.Days ?? (rule.Years ?? 0) * 365;
    return { byDefault: { mode: rule.Mode === "COMPLIANCE" ? "compliance" : "governance", days } };
  } catch (error) {
    return unlessUnreachable(error, address.location, "ask for the bucket's object lock");
  }
}

/** A refused question about the bucket is "not known": it takes rights a writer need not have. No bucket, no answer: thrown. */
function unlessUnreachable(error: unknown, location: string, act: string): null {
  const { status } = s3Answer(error);
  const wrapped = s3Error(error, act, location);
  if (status === null || status >= 500 || !unaskable.has(wrapped.code)) {
    if (status !== 501) throw wrapped;
  }
  return null;
}

const unaskable: ReadonlySet<AppError["code"]> = new Set(["storage-denied", "storage-failed"]);

/** Uploads in parts that nobody completed for two days: their writers are dead, and their parts cost money. */
async function abortOldUploads({ sdk, client, address }: S3Connection, clock: Clock): Promise<void> {
  const olderThan = clock.now().getTime() - 2 * 86_400_000;
  try {
    const command = new sdk.ListMultipartUploadsCommand({ Bucket: address.bucket, Prefix: address.space.root });
    const { Uploads = [] } = await client.send(command);
    for (const { Key, UploadId, Initiated } of Uploads) {
      if (Initiated === undefined || Initiated.getTime() > olderThan) continue;
      await client.send(new sdk.AbortMultipartUploadCommand({ Bucket: address.bucket, Key, UploadId }));
    }
  } catch (error) {
    // Housekeeping needs rights of its own; without them a lifecycle rule does it (docs/object-stores.md).
    if (s3Answer(error).status === null) throw s3Error(error, "clear away unfinished uploads", address.location);
  }
}

const body = Buffer.from("Tidemark tries what this store can do; it may be removed.\n");
