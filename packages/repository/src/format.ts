/** The numbers and names of the format; docs/repository-format.md explains each. */

/**
 * Raised when a reader of the old one would misread the new. A reader reads this and every older version and refuses what
 * is newer; what is written is `writtenVersion`. Version 2 (2026-11): pieces, that is, runs without a fingerprint and
 * checksums of pieces in directories; the frames a manifest uses in its index; further codecs. Version 3 (2026-11): boxes
 * without encryption are guarded with a GMAC instead of a hash; encrypted WAL is sealed with a key of its own.
 */
export const formatVersion = 3;

/** The first version whose guards without encryption are no hashes; of what is encrypted only WAL is of it. */
export const guardVersion = 3;

/** Of new objects of WAL, encrypted or not; the first version in which encrypted WAL has a key of its own (`deriveWalKey`). */
export const walVersion = 3;

/** Of new objects and repositories. Version 3 has nothing new for what is encrypted and no WAL, so that stays what it was. */
export function writtenVersion(isEncrypted: boolean): number {
  return isEncrypted ? guardVersion - 1 : guardVersion;
}

/** A copy says what its original says; 2 and 3 are told apart only by what their place does about encryption. */
export function copiedVersion(original: number, isEncrypted: boolean): number {
  return original < 2 ? original : writtenVersion(isEncrypted);
}

/** Plain bytes of a frame: 16 pages of 8 KiB. Measured better than 1 MiB in size and in time (2026-11). */
export const frameBytes = 128 * 1024;

/** Plain bytes of a piece, the grid on which a pack's directory keeps checksums: a page of PostgreSQL. */
export const pieceBytes = 8192;

/** Files up to this size share frames. */
export const bundledFileBytes = 64 * 1024;

/** Most files in one bundle, so that what waits for a bundle stays bounded where files are tiny. */
export const bundleParts = 256;

/** A pack takes no new frame once this many bytes are stored or on their way; it stays below 64 MiB. */
export const packTargetBytes = 32 * 1024 * 1024;

/** Most frames in a pack; keeps a directory below 256 KiB where data compresses to nearly nothing. */
export const packFrames = 4096;

/** A manifest chunk is closed at this many plain bytes; one record may exceed it. */
export const manifestChunkBytes = 256 * 1024;

/** A run under this, in a file over `bundledFileBytes`, counts as small: the file has become fragmented there. */
export const smallRunBytes = 32 * 1024;

/** Plain bytes of a whole box of WAL: as frames, and the grid on which a segment is hashed. */
export const walBlockBytes = 128 * 1024;

/** Most extents in one record of a manifest. */
export const extentsPerRecord = 1024;

export const magic = {
  pack: "TIDEPACK",
  packEnd: "TIDEPEND",
  manifest: "TIDEMANI",
  manifestEnd: "TIDEMEND",
  fact: "TIDEFACT",
  revoked: "TIDEREVO",
  walSegment: "TIDEWALS",
  walSegmentEnd: "TIDEWEND",
  walPiece: "TIDEWALP",
  walFile: "TIDEWALF",
} as const;

export type Magic = (typeof magic)[keyof typeof magic];

/** Whether an object, or the trailer of one, with these first or last bytes is WAL. */
export function isWalMagic(text: string): boolean {
  const { walSegment, walSegmentEnd, walPiece, walFile } = magic;
  return text === walSegment || text === walSegmentEnd || text === walPiece || text === walFile;
}

/** The parts of an object that are sealed one by one; the number is part of the nonce. */
export const partKinds = { frame: 1, directory: 2, header: 3, chunk: 4, index: 5, fact: 6, wal: 7 } as const;

export type PartKind = keyof typeof partKinds;
