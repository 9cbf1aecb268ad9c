import { type PartKind, partKinds } from "../format.ts";
import type { FrameSealing, PartSeals } from "../types.ts";

/** The key, nonce and additional data of one part of an object (docs/repository-format.md, "Boxes"). */
export function partSealing(seals: PartSeals, kind: PartKind, number: number): FrameSealing {
  const { key, place, guardKey = kind === "wal" ? seals.walGuardKey : undefined } = seals;
  const nonce = new Uint8Array(12);
  // Both big-endian. No view is made for them: of every frame.
  writeNumber(nonce, 4, partKinds[kind]);
  writeNumber(nonce, 12, number);
  // A copy: what lies in a pool takes all of it along to a thread.
  const additionalData = new Uint8Array(Buffer.from(`${place} ${kind} ${number}`, "latin1"));
  return guardKey === undefined ? { key, nonce, additionalData } : { key, nonce, additionalData, guardKey };
}

/** Big-endian, up to but without `end`, in front of which there are zeros. */
function writeNumber(bytes: Uint8Array, end: number, value: number): void {
  for (let at = end - 1, rest = value; rest > 0; at--, rest = Math.floor(rest / 256)) bytes[at] = rest % 256;
}
