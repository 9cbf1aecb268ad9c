import type { ContainerClient, StoragePipelineOptions } from "@azure/storage-blob";
import { AppError } from "@tidemark/kit";
import { KeySpace } from "../remote/key-space.ts";
import { badUrl, parseEndpoint, parseRemoteUrl } from "../remote/store-url.ts";
import type { RemoteTimeouts } from "../s3/s3-connection.ts";
import type { StoreCredentials } from "../store-credentials.ts";

/** Where a container is; `location` is for messages. */
export interface AzureAddress {
  readonly container: string;
  readonly space: KeySpace;
  /** Null only when a connection string says it. */
  readonly account: string | null;
  readonly endpoint: string | null;
  readonly location: string;
}

export interface AzureConnection {
  readonly container: ContainerClient;
  readonly address: AzureAddress;
  readonly stallMs: number;
}

/**
 * `az://container/prefix?account=NAME&endpoint=URL`. The endpoint is `https://NAME.blob.core.windows.net` unless given;
 * with a connection string as credentials neither is needed.
 */
export function parseAzureUrl(url: string): AzureAddress {
  const { name, path, parameter } = parseRemoteUrl(url, "az", ["account", "endpoint"]);
  const account = parameter("account");
  if (account !== null && !/^[a-z0-9]{3,24}$/.test(account)) {
    throw badUrl(url, "az", `${JSON.stringify(account)} is no name of a storage account`);
  }
  const endpointText = parameter("endpoint");
  const given = endpointText === null ? null : parseEndpoint(endpointText, url, "az").href.replace(/\/$/, "");
  const usual = account === null ? null : `https://${account}.blob.core.windows.net`;
  const space = new KeySpace(path);
  const at = account === null ? "" : ` of account ${account}`;
  const location = `az://${name}/${space.root.replace(/\/$/, "")}${at}`;
  return { container: name, space, account, endpoint: given ?? usual, location };
}

/** Nothing is sent yet. Credentials that do not fit are `storage-credentials-missing`. */
export async function connectAzure(
  address: AzureAddress,
  credentials: StoreCredentials | null,
  timeouts: RemoteTimeouts,
): Promise<AzureConnection> {
  const sdk = await import("@azure/storage-blob");
  const stallMs = timeouts.stallMs ?? 60_000;
  // One try in the SDK: RetryingStore and the blocks of an upload have the pauses, so that they do not multiply.
  const options: StoragePipelineOptions = { retryOptions: { maxTries: 1, tryTimeoutInMs: stallMs } };
  const service = serviceOf(sdk, address, credentials, options);
  return { container: service.getContainerClient(address.container), address, stallMs };
}

function serviceOf(
  sdk: typeof import("@azure/storage-blob"),
  address: AzureAddress,
  credentials: StoreCredentials | null,
  options: StoragePipelineOptions,
): InstanceType<typeof sdk.BlobServiceClient> {
  switch (credentials?.kind) {
    case "azure-connection-string":
      try {
        return sdk.BlobServiceClient.fromConnectionString(credentials.connectionString.reveal(), options);
      } catch {
        // Without its cause: the SDK's message may quote the string.
        throw unusable(address, "the connection string cannot be read");
      }
    case "azure-key": {
      const { account, endpoint } = placed(address);
      const key = keyOf(sdk, account, credentials.accountKey.reveal(), address);
      return new sdk.BlobServiceClient(endpoint, key, options);
    }
    case "azure-sas": {
      const { endpoint } = placed(address);
      return new sdk.BlobServiceClient(
        `${endpoint}?${credentials.sas.reveal()}`,
        new sdk.AnonymousCredential(),
        options,
      );
    }
    default:
      throw unusable(address, credentials === null ? "it needs credentials" : "the credentials are not Azure's");
  }
}

function keyOf(
  sdk: typeof import("@azure/storage-blob"),
  account: string,
  accountKey: string,
  address: AzureAddress,
): InstanceType<typeof sdk.StorageSharedKeyCredential> {
  if (!/^[A-Za-z0-9+/]{20,}={0,2}$/.test(accountKey)) throw unusable(address, "the account key is not base64");
  return new sdk.StorageSharedKeyCredential(account, accountKey);
}

function placed(address: AzureAddress): { readonly account: string; readonly endpoint: string } {
  if (address.account === null || address.endpoint === null) throw unusable(address, "its address lacks account=");
  return { account: address.account, endpoint: address.endpoint };
}

function unusable(address: AzureAddress, why: string): AppError {
  return new AppError("storage-credentials-missing", {
    message: `${address.location} cannot be opened: ${why}`,
    hint: "nothing was sent; give an account key, a SAS or a connection string as docs/object-stores.md shows",
  });
}
