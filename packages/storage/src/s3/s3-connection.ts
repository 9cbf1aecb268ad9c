import { readFileSync } from "node:fs";
import type { S3Client, S3ClientConfig } from "@aws-sdk/client-s3";
import { AppError } from "@tidemark/kit";
import { KeySpace } from "../remote/key-space.ts";
import { badUrl, parseEndpoint, parseRemoteUrl } from "../remote/store-url.ts";
import type { StoreCredentials } from "../store-credentials.ts";

export interface RemoteTimeouts {
  /** Until a connection stands, TLS included. Default 10 000. */
  readonly connectMs?: number;
  /** The longest silence of a connection while something is expected. Default 60 000. */
  readonly stallMs?: number;
}

/** Where a bucket is and how to speak to it; `location` is for messages. */
export interface S3Address {
  readonly bucket: string;
  readonly space: KeySpace;
  readonly endpoint: URL | null;
  readonly region: string;
  readonly pathStyle: boolean;
  readonly caFile: string | null;
  readonly location: string;
}

/** An open way to a bucket. The SDK is loaded when it is needed: a worker on file systems never reads it. */
export interface S3Connection {
  readonly sdk: typeof import("@aws-sdk/client-s3");
  readonly client: S3Client;
  readonly address: S3Address;
  readonly stallMs: number;
}

const parameters = ["endpoint", "region", "style", "ca-file"];

/**
 * `s3://bucket/prefix?endpoint=URL&region=NAME&style=path|virtual&ca-file=PATH`. Without an endpoint it is AWS. The
 * region is us-east-1 unless given (stores that know none take any). The style is virtual-host on AWS and path at an
 * endpoint unless given. `ca-file` is a PEM file of authorities to trust beside the system's.
 */
export function parseS3Url(url: string): S3Address {
  const { name, path, parameter } = parseRemoteUrl(url, "s3", parameters);
  const endpointText = parameter("endpoint");
  const endpoint = endpointText === null ? null : parseEndpoint(endpointText, url, "s3");
  const style = parameter("style") ?? (endpoint === null ? "virtual" : "path");
  if (style !== "path" && style !== "virtual") throw badUrl(url, "s3", "style= is path or virtual");
  const space = new KeySpace(path);
  const at = endpoint === null ? "" : ` at ${endpoint.host}`;
  return {
    bucket: name,
    space,
    endpoint,
    region: parameter("region") ?? "us-east-1",
    pathStyle: style === "path",
    caFile: parameter("ca-file"),
    location: `s3://${name}/${space.root.replace(/\/$/, "")}${at}`,
  };
}

/** Nothing is sent yet. `credentials` null is `storage-credentials-missing`: no chain is tried unless it is asked for. */
export async function connectS3(
  address: S3Address,
  credentials: StoreCredentials | null,
  timeouts: RemoteTimeouts,
): Promise<S3Connection> {
  const provider = await providerOf(address, credentials);
  // Node's own, too: loading HTTP takes a twentieth of a second, in every process that knows of stores.
  const [sdk, http, https] = await Promise.all([
    import("@aws-sdk/client-s3"),
    import("node:http"),
    import("node:https"),
  ]);
  const stallMs = timeouts.stallMs ?? 60_000;
  const agent = { keepAlive: true, maxSockets: maxConnections };
  const config: S3ClientConfig = {
    region: address.region,
    forcePathStyle: address.pathStyle,
    credentials: provider,
    // Ours alone (RetryingStore, and the parts of an upload): one place knows what passes, and the pauses do not multiply.
    maxAttempts: 1,
    logger: silent,
    // Every write carries Content-MD5 (see s3-upload.ts), which every store checks; trailers are not understood by all.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    requestHandler: {
      connectionTimeout: timeouts.connectMs ?? 10_000,
      socketTimeout: stallMs,
      httpAgent: new http.Agent(agent),
      httpsAgent: new https.Agent({ ...agent, ...(await trusted(address.caFile)) }),
    },
    ...(address.endpoint === null ? {} : { endpoint: address.endpoint.href }),
  };
  return { sdk, client: new sdk.S3Client(config), address, stallMs };
}

/** It would print to the console what we report ourselves; and what it prints is not masked. */
const silent = { debug: nothing, info: nothing, warn: nothing, error: nothing };

function nothing(): void {
  // On purpose: see `silent`.
}

/** More than the parts in flight of a few uploads beside the reads of a restore; a limit so that sockets stay bounded. */
const maxConnections = 50;

async function providerOf(
  address: S3Address,
  credentials: StoreCredentials | null,
): Promise<NonNullable<S3ClientConfig["credentials"]>> {
  switch (credentials?.kind) {
    case "s3-keys":
      return {
        accessKeyId: credentials.accessKeyId,
        secretAccessKey: credentials.secretAccessKey.reveal(),
        ...(credentials.sessionToken === null ? {} : { sessionToken: credentials.sessionToken.reveal() }),
      };
    case "s3-profile": {
      const { fromIni } = await import("@aws-sdk/credential-provider-ini");
      const files = credentials.file === null ? {} : { filepath: credentials.file };
      return fromIni({ profile: credentials.profile, ...files });
    }
    case "s3-chain": {
      const { defaultProvider } = await import("@aws-sdk/credential-provider-node");
      return defaultProvider();
    }
    default:
      throw new AppError("storage-credentials-missing", {
        message: `${address.location} needs ${credentials === null ? "credentials" : "credentials of S3, not of Azure"}`,
        hint: "nothing was sent; give them in a file or in the environment, as docs/object-stores.md shows",
      });
  }
}

async function trusted(caFile: string | null): Promise<{ ca?: string[] }> {
  if (caFile === null) return {};
  const { rootCertificates } = await import("node:tls");
  return { ca: [...rootCertificates, readCa(caFile)] };
}

function readCa(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new AppError("storage-tls-failed", {
      message: `the certificate authority's file ${path} cannot be read`,
      hint: "nothing was sent; check ca-file= in the repository's address",
      cause,
    });
  }
}
