import { createRepository, type WalArchive } from "@tidemark/repository";
import { FilesystemStore, type ObjectStore } from "@tidemark/storage";
import { tempDir } from "@tidemark/testkit";

/** For tests: the WAL of one server in a repository of its own, on the file system unless told otherwise. */
export interface RepositoryWal extends AsyncDisposable {
  readonly store: ObjectStore;
  archiveOf(systemIdentifier: bigint): WalArchive;
  /** Of the one cluster that has WAL there. */
  archive(): Promise<WalArchive>;
}

export async function repositoryWal(wrap: (store: ObjectStore) => ObjectStore = (it) => it): Promise<RepositoryWal> {
  const dir = await tempDir("wal");
  const store = wrap(new FilesystemStore(dir.join("repository")));
  const repository = await createRepository(store, { encryption: "none" });
  const area = repository.area("srv_test");
  return {
    store,
    archiveOf: (systemIdentifier) => area.wal(systemIdentifier),
    archive: async () => {
      const [systemIdentifier, ...others] = await area.walIdentifiers();
      if (systemIdentifier === undefined || others.length > 0) throw new Error("not the WAL of one cluster");
      return area.wal(systemIdentifier);
    },
    [Symbol.asyncDispose]: async () => {
      await repository.close();
      await dir[Symbol.asyncDispose]();
    },
  };
}
