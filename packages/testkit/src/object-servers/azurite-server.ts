import { createRequire } from "node:module";
import { BlobServiceClient, StorageSharedKeyCredential } from "@azure/storage-blob";
import { ownPort } from "../claim-port.ts";
import { tempDir } from "../temp-dir.ts";
import { waitFor } from "../wait-for.ts";
import { Daemons } from "./daemons.ts";

/** Azure's Blob service as its own emulator, on loopback. `await using` ends it and removes its folder. */
export interface AzuriteServer extends AsyncDisposable {
  /** `http://127.0.0.1:port/account`. */
  readonly endpoint: string;
  readonly account: string;
  readonly accountKey: string;
  readonly connectionString: string;
  /** Makes a container and gives the address of a repository below a prefix in it. */
  newContainer(name: string): Promise<{ at(prefix: string): string }>;
}

const require = createRequire(import.meta.url);

/** The account every Azurite has, published with it. */
const account = "devstoreaccount1";
const accountKey = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

export async function azuriteServer(): Promise<AzuriteServer> {
  const dir = await tempDir("azurite");
  const daemons = new Daemons(dir.path);
  const port = await ownPort();
  const program = require.resolve("azurite/dist/src/blob/main.js");
  const place = ["--blobHost", "127.0.0.1", "--blobPort", String(port)];
  const quiet = ["--silent", "--skipApiVersionCheck", "--inMemoryPersistence", "--disableTelemetry"];
  daemons.start(process.execPath, [program, ...place, ...quiet]);
  const endpoint = `http://127.0.0.1:${port}/${account}`;
  const dispose = async (): Promise<void> => {
    await daemons.stop();
    await dir[Symbol.asyncDispose]();
  };
  try {
    await waitFor(async () => (await fetch(endpoint)).status > 0, { what: "Azurite", everyMs: 50 });
  } catch (error) {
    await dispose();
    throw new Error(`Azurite did not start: ${daemons.log}`, { cause: error });
  }
  const service = new BlobServiceClient(endpoint, new StorageSharedKeyCredential(account, accountKey));
  return {
    endpoint,
    account,
    accountKey,
    connectionString: `DefaultEndpointsProtocol=http;AccountName=${account};AccountKey=${accountKey};BlobEndpoint=${endpoint};`,
    newContainer: async (name) => {
      await service.createContainer(name);
      return { at: (prefix) => `az://${name}/${prefix}?account=${account}&endpoint=${encodeURIComponent(endpoint)}` };
    },
    [Symbol.asyncDispose]: dispose,
  };
}
