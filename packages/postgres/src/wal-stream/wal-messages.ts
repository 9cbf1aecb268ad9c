import { AppError } from "@tidemark/kit";
import { type Lsn, toLsn } from "../files/lsn.ts";

/** A message of the server inside the copy (PostgreSQL manual, "Streaming Replication Protocol"). */
export type WalMessage =
  | {
      readonly kind: "data";
      readonly startLsn: Lsn;
      readonly serverLsn: Lsn;
      readonly sentAt: Date;
      /** A window on the payload. */
      readonly bytes: Uint8Array;
    }
  | { readonly kind: "keepalive"; readonly serverLsn: Lsn; readonly sentAt: Date; readonly replyRequested: boolean };

/**
 * Decodes the payload of a CopyData message of a physical walsender.
 *
 * @throws AppError `protocol-violation` for anything else.
 */
export function decodeWalMessage(payload: Uint8Array): WalMessage {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const type = payload[0];
  if (type === xLogData && payload.length >= xLogDataHeaderBytes) {
    return {
      kind: "data",
      startLsn: toLsn(view.getBigUint64(1)),
      serverLsn: toLsn(view.getBigUint64(9)),
      sentAt: instantOf(view.getBigInt64(17)),
      bytes: payload.subarray(xLogDataHeaderBytes),
    };
  }
  if (type === keepalive && payload.length === keepaliveBytes) {
    return {
      kind: "keepalive",
      serverLsn: toLsn(view.getBigUint64(1)),
      sentAt: instantOf(view.getBigInt64(9)),
      replyRequested: view.getUint8(17) !== 0,
    };
  }
  throw new AppError("protocol-violation", {
    message: `the server sent ${payload.length} bytes of type ${type ?? "none"} in a WAL stream`,
  });
}

/** A standby status update. Nothing is applied here, so the third position stays "none". */
export function encodeStandbyStatus(
  status: { readonly writtenLsn: Lsn; readonly flushedLsn: Lsn; readonly replyRequested: boolean },
  now: Date,
): Uint8Array {
  const bytes = new Uint8Array(34);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, standbyStatus);
  view.setBigUint64(1, status.writtenLsn);
  view.setBigUint64(9, status.flushedLsn);
  view.setBigInt64(25, BigInt(now.getTime() - epochMs) * 1000n);
  view.setUint8(33, status.replyRequested ? 1 : 0);
  return bytes;
}

/** `w`, `k`, `r` */
const xLogData = 0x77;
const keepalive = 0x6b;
const standbyStatus = 0x72;
/** Type, start, end of the server's WAL, time. */
const xLogDataHeaderBytes = 1 + 8 + 8 + 8;
/** Type, end of the server's WAL, time, whether an answer is wanted. */
const keepaliveBytes = 1 + 8 + 8 + 1;
/** PostgreSQL counts microseconds from 2000-01-01 UTC. */
const epochMs = Date.UTC(2000, 0, 1);

function instantOf(microseconds: bigint): Date {
  return new Date(Number(microseconds / 1000n) + epochMs);
}
