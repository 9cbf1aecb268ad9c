import { isAbsolute } from "node:path";
import { fileURLToPath } from "node:url";
import { AppError, type Clock } from "@tidemark/kit";
import { connectAzure, parseAzureUrl } from "./azure/azure-connection.ts";
import { AzureStore } from "./azure/azure-store.ts";
import { FilesystemStore } from "./filesystem-store.ts";
import { MemoryStore } from "./memory-store.ts";
import type { ObjectStore } from "./object-store.ts";
import type { RetryOptions } from "./remote/retry-passing.ts";
import { connectS3, parseS3Url, type RemoteTimeouts } from "./s3/s3-connection.ts";
import { S3Store } from "./s3/s3-store.ts";
import type { StoreCredentials } from "./store-credentials.ts";

export interface OpenStoreOptions {
  /** For `s3:` and `az:`; the others need none. Null or left out: none. */
  readonly credentials?: StoreCredentials | null;
  /** Where a large body may wait on its way to a store that needs it whole; default: the system's temporary folder. */
  readonly spoolFolder?: string | null;
  readonly timeouts?: RemoteTimeouts;
  readonly clock?: Clock;
  /** For the parts of uploads; everything else is repeated by `RetryingStore`. */
  readonly retry?: RetryOptions;
}

/**
 * The store a URL names: `file:///absolute/path`, a plain absolute path, `s3://bucket/prefix?…`,
 * `az://container/prefix?…`, or `memory:` (a new, empty one each time). Nothing is touched or sent yet. What is no such
 * address is `bad-request`; a store that needs credentials and got none, or the wrong kind, `storage-credentials-missing`.
 */
export async function openStore(url: string, options: OpenStoreOptions = {}): Promise<ObjectStore> {
  if (url === "memory:") return new MemoryStore(options.clock);
  if (isAbsolute(url)) return new FilesystemStore(url, options.clock === undefined ? {} : { clock: options.clock });
  switch (schemeOf(url)) {
    case "file":
      return new FilesystemStore(pathOf(url), options.clock === undefined ? {} : { clock: options.clock });
    case "s3": {
      const address = parseS3Url(url);
      return new S3Store(await connectS3(address, options.credentials ?? null, options.timeouts ?? {}), options);
    }
    case "az": {
      const address = parseAzureUrl(url);
      return new AzureStore(await connectAzure(address, options.credentials ?? null, options.timeouts ?? {}), options);
    }
    default:
      throw noDriver(url);
  }
}

/** Whether the address is one that needs credentials. Says nothing of whether it is a good one. */
export function needsStoreCredentials(url: string): boolean {
  return ["s3", "az"].includes(schemeOf(url) ?? "");
}

/**
 * Looks at an address without opening anything, and throws `bad-request` for one that no driver takes. For those who may
 * only take it down, like the control plane's API.
 */
export function assertStoreUrl(url: string): void {
  if (url === "memory:" || isAbsolute(url)) return;
  const scheme = schemeOf(url);
  if (scheme === "file") pathOf(url);
  else if (scheme === "s3") parseS3Url(url);
  else if (scheme === "az") parseAzureUrl(url);
  else throw noDriver(url);
}

function schemeOf(url: string): string | undefined {
  return /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1]?.toLowerCase();
}

function noDriver(url: string): AppError {
  const scheme = schemeOf(url);
  return new AppError("bad-request", {
    message:
      scheme === undefined
        ? `${JSON.stringify(url)} is neither an absolute path nor a URL`
        : `there is no driver for ${scheme}: repositories`,
    hint: "use file:///absolute/path, an absolute path, s3://bucket/prefix or az://container/prefix",
  });
}

function pathOf(url: string): string {
  try {
    const parsed = new URL(url);
    if (!url.startsWith("file:///") || parsed.search !== "" || parsed.hash !== "") {
      throw new Error("only file:///absolute/path is understood");
    }
    return fileURLToPath(parsed);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new AppError("bad-request", { message: `${url} does not name a folder: ${why}`, cause });
  }
}
