import type { TestServer } from "@tidemark/testkit";
import { formatLsn, type Lsn, parseLsn } from "../files/lsn.ts";
import { rmgrName } from "./resource-managers.ts";
import type { WalRecord } from "./wal-record.ts";

/** What our reader and PostgreSQL's own say of a record, in the same words. */
export interface PlainRecord {
  readonly lsn: string;
  readonly prev: string;
  readonly xid: number;
  readonly manager: string;
  readonly totalBytes: number;
  /** Bytes of page images among them. */
  readonly imageBytes: number;
  /** `spc/db/rel fork block`, and ` FPW` behind those with an image. */
  readonly blocks: readonly string[];
}

export function plainRecord(record: WalRecord): PlainRecord {
  const blocks = record.blocks();
  return {
    lsn: formatLsn(record.lsn),
    prev: formatLsn(record.prevLsn),
    xid: record.xid,
    manager: rmgrName(record.rmgr),
    totalBytes: record.totalBytes,
    imageBytes: blocks.reduce((sum, { image }) => sum + (image?.bytes.length ?? 0), 0),
    blocks: blocks.map(
      ({ spcOid, dbOid, relNumber, fork, block, image }) =>
        `${spcOid}/${dbOid}/${relNumber} ${forkNames[fork]} ${block}${image === null ? "" : " FPW"}`,
    ),
  };
}

const forkNames = ["main", "fsm", "vm", "init"];

/** The lines of pg_waldump (15), which names the main fork by leaving it out. */
export function dumpedRecords(output: string): PlainRecord[] {
  return output
    .split("\n")
    .filter((line) => line.startsWith("rmgr:"))
    .map((line) => {
      const head = dumpedHead.exec(line);
      if (head === null) throw new Error(`not a line of pg_waldump: ${line}`);
      const [, manager = "", ownBytes = "", totalBytes = "", xid = "", lsn = "", prev = ""] = head;
      return {
        lsn: formatLsn(parseLsn(lsn)),
        prev: formatLsn(parseLsn(prev)),
        xid: Number(xid),
        manager,
        totalBytes: Number(totalBytes),
        imageBytes: Number(totalBytes) - Number(ownBytes),
        blocks: blocksIn(line),
      };
    });
}

const dumpedHead =
  /^rmgr: (\S+)\s+len \(rec\/tot\):\s*(\d+)\/\s*(\d+), tx:\s*(\d+), lsn: ([0-9A-F]+\/[0-9A-F]+), prev ([0-9A-F]+\/[0-9A-F]+), desc:/;

/** `blkref #0: rel 1663/5/1259 fork main blk 1 (FPW); hole: …` in either tool; pg_waldump leaves out `fork main`. */
function blocksIn(text: string): string[] {
  return [...text.matchAll(/blkref #\d+: rel (\d+\/\d+\/\d+)(?: fork (\w+))? blk (\d+)( \(?FPW)?/g)].map(
    ([, relation, fork = "main", block, image]) => `${relation} ${fork} ${block}${image === undefined ? "" : " FPW"}`,
  );
}

interface InspectedRow {
  readonly start_lsn: string;
  readonly prev_lsn: string;
  readonly xid: string;
  readonly resource_manager: string;
  readonly record_length: number;
  readonly fpi_length: number;
  readonly block_ref: string | null;
}

/** What the server's own pg_walinspect says (15+). */
export async function inspectedRecords(server: TestServer, from: Lsn, to: Lsn): Promise<PlainRecord[]> {
  const rows = await server.query<InspectedRow>(
    `SELECT start_lsn::text, prev_lsn::text, xid::text, resource_manager, record_length, fpi_length, block_ref
     FROM pg_get_wal_records_info($1::pg_lsn, $2::pg_lsn)`,
    [formatLsn(from), formatLsn(to)],
  );
  return rows.map((row) => ({
    lsn: formatLsn(parseLsn(row.start_lsn)),
    prev: formatLsn(parseLsn(row.prev_lsn)),
    xid: Number(row.xid),
    manager: row.resource_manager,
    totalBytes: row.record_length,
    imageBytes: row.fpi_length,
    blocks: blocksIn(row.block_ref ?? ""),
  }));
}
