import { AppError } from "@tidemark/kit";
import { walPrefix } from "../paths.ts";
import type { WalSegmentPlace } from "./wal-archive.ts";

/** Names of WAL as PostgreSQL makes them (src/include/access/xlog_internal.h), and where each lies in a repository. */
export type WalName =
  | { readonly kind: "segment"; readonly timeline: number; readonly segment: string }
  | { readonly kind: "partial"; readonly timeline: number; readonly segment: string }
  | { readonly kind: "file"; readonly timeline: number; readonly segment: string }
  | { readonly kind: "history"; readonly timeline: number };

export const timelineName = (timeline: number): string => hex(timeline, 8);

/** `XLogFileName`: timeline, then the segment's number split at 4 GiB. */
export function segmentName({ timeline, startLsn, sizeBytes }: WalSegmentPlace): string {
  const perLog = 0x1_0000_0000n / BigInt(sizeBytes);
  const number = startLsn / BigInt(sizeBytes);
  return `${hex(timeline, 8)}${hex(number / perLog, 8)}${hex(number % perLog, 8)}`;
}

/** The first byte of a segment of this name and size; the same of a file that is named for one. */
export function segmentStart(name: string, sizeBytes: number): bigint {
  const log = BigInt(`0x${name.slice(8, 16)}`);
  return log * 0x1_0000_0000n + BigInt(`0x${name.slice(16, 24)}`) * BigInt(sizeBytes);
}

/** Null for what is no name of WAL. */
export function parseWalName(name: string): WalName | null {
  const timeline = Number.parseInt(name.slice(0, 8), 16);
  const segment = name.slice(0, 24);
  if (/^[0-9A-F]{24}$/.test(name)) return { kind: "segment", timeline, segment };
  if (/^[0-9A-F]{8}\.history$/.test(name)) return { kind: "history", timeline };
  if (/^[0-9A-F]{24}\.partial$/.test(name)) return { kind: "partial", timeline, segment };
  if (/^[0-9A-F]{24}\.[0-9A-F]{8}\.backup$/.test(name)) return { kind: "file", timeline, segment };
  return null;
}

/** Throws `bad-request`. */
export function requireWalName(name: string): WalName {
  const parsed = parseWalName(name);
  if (parsed !== null) return parsed;
  throw new AppError("bad-request", { message: `${JSON.stringify(name)} is no name of WAL`, context: { name } });
}

/** Throws `bad-request` for a place that PostgreSQL cannot have (segments are 1 MiB to 1 GiB, a power of two). */
export function assertPlace(place: WalSegmentPlace): void {
  const { timeline, startLsn, sizeBytes } = place;
  const isSize = Number.isInteger(Math.log2(sizeBytes)) && sizeBytes >= 1 << 20 && sizeBytes <= 1 << 30;
  const isTimeline = Number.isInteger(timeline) && timeline > 0 && timeline <= 0xffff_ffff;
  const isStart = isSize && startLsn >= 0n && startLsn < 1n << 64n && startLsn % BigInt(sizeBytes) === 0n;
  if (isTimeline && isStart) return;
  throw new AppError("bad-request", {
    message: `there is no segment of ${sizeBytes} bytes at ${startLsn} of timeline ${timeline}`,
  });
}

/** The places of one cluster incarnation's WAL. */
export class WalPaths {
  readonly serverId: string;
  readonly systemIdentifier: bigint;

  constructor(serverId: string, systemIdentifier: bigint) {
    this.serverId = serverId;
    this.systemIdentifier = systemIdentifier;
  }

  timeline(timeline: number): string {
    return walPrefix(this.serverId, this.systemIdentifier, timeline);
  }

  /** Of a segment, history or file; of a partial, that of the file a server's archiver gave. */
  object(name: string): string {
    const parsed = requireWalName(name);
    if (parsed.kind === "partial") return `${this.pieces(parsed.timeline, parsed.segment)}archived`;
    return `${this.timeline(parsed.timeline)}${name}`;
  }

  partials(timeline: number): string {
    return `${this.timeline(timeline)}partial/`;
  }

  /** What there is of a segment that is not whole. */
  pieces(timeline: number, segment: string): string {
    return `${this.partials(timeline)}${segment}/`;
  }
}

/** An LSN as PostgreSQL writes it. */
export function lsnText(lsn: bigint): string {
  return `${(lsn >> 32n).toString(16).toUpperCase()}/${(lsn & 0xffff_ffffn).toString(16).toUpperCase()}`;
}

function hex(value: number | bigint, digits: number): string {
  return value.toString(16).toUpperCase().padStart(digits, "0");
}
