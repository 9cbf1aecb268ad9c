import { CreateBucketCommand, PutBucketVersioningCommand, S3Client } from "@aws-sdk/client-s3";

/** A real S3 store of one test file, on loopback, with nothing in it. `await using` ends it and removes its folder. */
export interface S3Server extends AsyncDisposable {
  /** `http://127.0.0.1:port`. */
  readonly endpoint: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** The same store over TLS, for those who resolve `hostName` and all names below it to 127.0.0.1; null where it speaks none. */
  readonly tls: { readonly endpoint: string; readonly caFile: string; readonly hostName: string } | null;
  /** Makes a bucket and gives its address as a repository's: `s3://name/?endpoint=…`, to which a prefix can be added. */
  newBucket(
    name: string,
    options?: { readonly versioned?: boolean; readonly locked?: boolean },
  ): Promise<BucketAddress>;
}

export interface BucketAddress {
  /** The address of a repository below `prefix` in the bucket. */
  at(prefix: string): string;
}

/** How a bucket is made, the same on every server. */
export function bucketMaker(server: Omit<S3Server, "newBucket" | typeof Symbol.asyncDispose>): S3Server["newBucket"] {
  return async (name, { versioned = false, locked = false } = {}) => {
    const client = new S3Client({
      endpoint: server.endpoint,
      region: server.region,
      forcePathStyle: true,
      credentials: { accessKeyId: server.accessKeyId, secretAccessKey: server.secretAccessKey },
      requestChecksumCalculation: "WHEN_REQUIRED",
    });
    try {
      await client.send(
        new CreateBucketCommand({ Bucket: name, ...(locked ? { ObjectLockEnabledForBucket: true } : {}) }),
      );
      if (versioned) {
        const VersioningConfiguration = { Status: "Enabled" } as const;
        await client.send(new PutBucketVersioningCommand({ Bucket: name, VersioningConfiguration }));
      }
    } finally {
      client.destroy();
    }
    const query = `endpoint=${encodeURIComponent(server.endpoint)}&region=${server.region}&style=path`;
    return { at: (prefix) => `s3://${name}/${prefix}?${query}` };
  };
}
