import { packKey } from "../paths.ts";
import type { RepositoryContext } from "../repository-context.ts";
import { type PackDirectory, readDirectory } from "./pack-directory.ts";

/**
 * Directories of one server's packs, the last used at hand. One of a pack of table data (some 800 frames) takes about
 * 100 KB; the pieces of a fragmented file come from as many packs as there were backups since it was whole.
 */
export class DirectoryCache {
  readonly #context: RepositoryContext;
  readonly #serverId: string;
  readonly #signal: AbortSignal | undefined;
  readonly #directories = new Map<string, PackDirectory>();
  #bytes = 0;

  constructor(context: RepositoryContext, serverId: string, signal: AbortSignal | undefined) {
    this.#context = context;
    this.#serverId = serverId;
    this.#signal = signal;
  }

  /** The directory if it is at hand. */
  known(packId: string): PackDirectory | undefined {
    const known = this.#directories.get(packId);
    if (known === undefined) return undefined;
    // Last used, last to go.
    this.#directories.delete(packId);
    this.#directories.set(packId, known);
    return known;
  }

  /** Throws `object-missing`, `object-damaged`, or what the store says when it could not be asked. */
  async directory(packId: string): Promise<PackDirectory> {
    const known = this.known(packId);
    if (known !== undefined) return known;
    const directory = await readDirectory(this.#context, packKey(this.#serverId, packId), this.#signal);
    this.#directories.set(packId, directory);
    this.#bytes += directory.sizeBytes;
    for (const [oldId, old] of this.#directories) {
      if (this.#bytes <= keptBytes || oldId === packId) break;
      this.#directories.delete(oldId);
      this.#bytes -= old.sizeBytes;
    }
    return directory;
  }
}

const keptBytes = 24 * 1024 * 1024;
