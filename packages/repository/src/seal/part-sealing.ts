import { type PartKind, partKinds } from "../format.ts";
import type { FrameSealing, PartSeals } from "../types.ts";

/** The key, nonce and additional data of one part of an object (docs/repository-format.md, "Boxes"). */
export function partSealing(seals: PartSeals, kind: PartKind, number: number): FrameSealing {
  const { key, place, guardKey = kind === "wal" ? seals.walGuardKey : undefined } = seals;
  const nonce = new Uint8Array(12);
  const view = new DataView(nonce.buffer);
  view.setUint32(0, partKinds[kind]);
  view.setBigUint64(4, BigInt(number));
  const additionalData = new Uint8Array(Buffer.from(`${place} ${kind} ${number}`, "latin1"));
  return guardKey === undefined ? { key, nonce, additionalData } : { key, nonce, additionalData, guardKey };
}
