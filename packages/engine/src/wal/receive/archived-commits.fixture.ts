import { decodeTransactionEnd, WalReader } from "@tidemark/postgres";
import type { WalArchive } from "@tidemark/repository";
import { segmentBytes } from "./received-wal.fixture.ts";

export interface ArchivedCommits {
  readonly xids: ReadonlySet<number>;
  /** Why the records could not be followed to the end of what is archived; null: they could. */
  readonly problem: string | null;
}

/** Reads everything archived of timeline 1, record by record with their CRCs: the transactions that a restore would have. */
export async function archivedCommits(archive: WalArchive, major: number): Promise<ArchivedCommits> {
  const xids = new Set<number>();
  let reader: WalReader | null = null;
  const take = async (startLsn: bigint, chunks: AsyncIterable<Uint8Array>): Promise<void> => {
    reader ??= new WalReader({ major, segmentSizeBytes: segmentBytes, startLsn, checkCrc: true, timeline: 1 });
    if (reader.position !== startLsn) throw new Error("a hole in the archive");
    for await (const chunk of chunks) {
      for (const record of reader.push(chunk)) {
        const end = decodeTransactionEnd(record, major);
        if (end?.kind === "commit") xids.add(end.xid);
      }
    }
  };
  for await (const { kind, name, startLsn } of archive.list({ timeline: 1, segmentSizeBytes: segmentBytes })) {
    if (kind === "segment" && startLsn !== null) await take(startLsn, archive.read(name));
  }
  const part = await archive.partial(1);
  if (part !== null) await take(part.place.startLsn, part.read());
  const end = (reader as WalReader | null)?.end ?? null;
  return { xids, problem: end?.reason ?? null };
}
