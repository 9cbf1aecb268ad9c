import { chmod, mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { findServerUser, placeForServer } from "@tidemark/local-postgres";
import { nothingScript, spoolNames } from "./feed-command.ts";

/**
 * Says to a recovery whose feed has ended that the archive has nothing more, so that it can end where it stands: a server
 * that is promoted asks once more (for the next timeline's history), and ends when nobody can be asked
 * (xlogarchive.c, RestoreArchivedFile). What is given back takes the word away again.
 */
export async function answerNothing(spool: string): Promise<() => Promise<void>> {
  const { path } = await placeForServer(spool, await findServerUser());
  await mkdir(path, { recursive: true });
  await chmod(path, 0o711);
  const script = join(path, spoolNames.script);
  const draft = `${script}.tmp`;
  await writeFile(draft, nothingScript);
  await chmod(draft, 0o755);
  await rename(draft, script);
  return async () => await rm(path, { recursive: true, force: true });
}
