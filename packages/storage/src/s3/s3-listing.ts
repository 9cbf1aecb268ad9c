import type { ListObjectsV2CommandOutput } from "@aws-sdk/client-s3";
import type { ObjectFacts } from "../object-store.ts";
import type { S3Connection } from "./s3-connection.ts";
import { s3Error } from "./s3-errors.ts";

interface Page {
  readonly prefix: string;
  readonly delimiter?: string;
  readonly maxKeys?: number;
  readonly startAfter?: string;
  readonly signal?: AbortSignal | undefined;
}

/** The pages of a listing; a store gives at most 1,000 names in one. */
export async function* listPages(
  { sdk, client, address }: S3Connection,
  page: Page,
): AsyncGenerator<ListObjectsV2CommandOutput, void, undefined> {
  let token: string | undefined;
  do {
    const command = new sdk.ListObjectsV2Command({
      Bucket: address.bucket,
      Prefix: page.prefix,
      ...(page.delimiter === undefined ? {} : { Delimiter: page.delimiter }),
      ...(page.maxKeys === undefined ? {} : { MaxKeys: page.maxKeys }),
      ...(page.startAfter === undefined || token !== undefined ? {} : { StartAfter: page.startAfter }),
      ...(token === undefined ? {} : { ContinuationToken: token }),
    });
    const found = await client.send(command, abortable(page.signal)).catch((error: unknown) => {
      throw s3Error(error, "list the objects", address.location);
    });
    yield found;
    token = found.IsTruncated === true ? found.NextContinuationToken : undefined;
  } while (token !== undefined);
}

/** What lies under exactly this name, or null. Asked as a listing, which names its reason where HEAD has no body for one. */
export async function findByListing(connection: S3Connection, name: string): Promise<Omit<ObjectFacts, "key"> | null> {
  for await (const { Contents = [] } of listPages(connection, { prefix: name, maxKeys: 1 })) {
    const [first] = Contents;
    if (first?.Key !== name) return null;
    return { sizeBytes: first.Size ?? 0, modifiedAt: first.LastModified ?? new Date(0) };
  }
  return null;
}

export function abortable(signal: AbortSignal | undefined): { abortSignal?: AbortSignal } {
  return signal === undefined ? {} : { abortSignal: signal };
}
