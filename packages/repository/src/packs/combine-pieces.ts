import { combineCrc32c } from "@tidemark/kit/crc32c";
import { pieceBytes } from "../format.ts";

/** The checksum of the bytes from `from` (on the grid) to `to`, from those of each piece. */
export function combinePieces(pieces: Uint32Array, from: number, to: number): number {
  let crc = 0;
  for (let at = from; at < to; at += pieceBytes) {
    const pieceCrc = pieces[at / pieceBytes] ?? 0;
    crc = at === from ? pieceCrc : combineCrc32c(crc, pieceCrc, Math.min(pieceBytes, to - at));
  }
  return crc;
}
