/** What a name that PostgreSQL asks its restore_command for stands for; null: for nothing that an archive holds. */
export type WalFileKind = "segment" | "history" | "other";

export function walFileKind(name: string): WalFileKind | null {
  if (/^[0-9A-F]{24}$/.test(name)) return "segment";
  if (/^[0-9A-F]{8}\.history$/.test(name)) return "history";
  return /^[0-9A-F]{24}\.(?:partial|[0-9A-F]{8}\.backup)$/.test(name) ? "other" : null;
}

/** The segment after this one on the same timeline; null after the last one there can be. */
export function nextSegmentName(name: string, segmentSizeBytes: number): string | null {
  // xlog_internal.h, XLogFileName: timeline, then the segments of 4 GiB, then the segment in them.
  const perFile = 0x1_0000_0000 / segmentSizeBytes;
  let high = Number.parseInt(name.slice(8, 16), 16);
  let low = Number.parseInt(name.slice(16, 24), 16) + 1;
  if (low >= perFile) {
    low = 0;
    high++;
  }
  return high > 0xffff_ffff ? null : name.slice(0, 8) + hex8(high) + hex8(low);
}

function hex8(value: number): string {
  return value.toString(16).toUpperCase().padStart(8, "0");
}
