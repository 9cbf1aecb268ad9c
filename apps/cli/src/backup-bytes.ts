import { formatBytes, formatShare, formatShares } from "@tidemark/kit";
import { z } from "zod";
import { formatInstant, lowerState } from "./output.ts";

/** Where a backup's bytes came from and live, and how much of it is verified: one of the longer answers of `backup show`. */
export const BackupBytes = z.object({
  sizes: z
    .object({
      totalBytes: z.string(),
      newBytes: z.string(),
      referencedBytes: z.string(),
      carriedBytes: z.string(),
      zeroBytes: z.string(),
      readBytes: z.string(),
      sentBytes: z.string().nullable(),
      storedBytes: z.string(),
    })
    .nullable(),
  places: z
    .array(
      z.object({
        backupId: z.string().nullable(),
        own: z.boolean(),
        packs: z.number(),
        bytes: z.string(),
        backup: z.object({ state: z.string(), startedAt: z.string() }).nullable(),
      }),
    )
    .nullable(),
  reading: z
    .object({
      kind: z.string(),
      reason: z.string().nullable(),
      fromBackupId: z.string().nullable(),
      resentFiles: z.number().nullable(),
      resentBytes: z.string().nullable(),
    })
    .nullable(),
  trust: z
    .object({
      round: z.number(),
      findings: z.array(z.object({ path: z.string(), blocks: z.array(z.number()), older: z.string() })),
    })
    .nullable(),
  coverage: z
    .object({
      storedShare: z.number(),
      wholeShare: z.number(),
      storedSince: z.string().nullable(),
      wholeSince: z.string().nullable(),
    })
    .nullable(),
});
export type BackupBytes = z.infer<typeof BackupBytes>;
type Coverage = NonNullable<BackupBytes["coverage"]>;
type Place = NonNullable<BackupBytes["places"]>[number];

export const backupBytesFields = `sizes { totalBytes newBytes referencedBytes carriedBytes zeroBytes readBytes sentBytes storedBytes }
  places { backupId own packs bytes backup { state startedAt } } reading { kind reason fromBackupId resentFiles resentBytes }
  trust { round findings { path blocks older } } coverage { storedShare wholeShare storedSince wholeSince }`;

export function backupBytesJson({ sizes, places, reading, trust, coverage }: BackupBytes): object {
  return {
    sizes,
    places:
      places?.map(({ backupId, packs, bytes, backup }) => {
        const state = backup === null ? null : lowerState(backup.state);
        return { backupId, packs, bytes, state, startedAt: backup?.startedAt ?? null };
      }) ?? null,
    reading: reading === null ? null : { ...reading, kind: lowerState(reading.kind) },
    trust:
      trust === null
        ? null
        : { ...trust, findings: trust.findings.map((one) => ({ ...one, older: lowerState(one.older) })) },
    coverage,
  };
}

export type Lines = readonly (readonly [string, string | null])[];

/** Lines for people: parts that add up, then what was sent, read and stored for them. */
export function sizeLines({ sizes }: BackupBytes): Lines {
  if (sizes === null) return [];
  const parts = [
    [sizes.newBytes, "new: stored by this backup, before compression"],
    [sizes.referencedBytes, "read, and found to be stored already"],
    [sizes.carriedBytes, "unchanged: not read, carried from earlier backups"],
    [sizes.zeroBytes, "zeros, which take no room"],
  ] as const;
  const shown = parts.filter(([bytes]) => bytes !== "0");
  const shares = formatShares(shown.map(([bytes]) => BigInt(bytes)));
  return [
    ...shown.map(([bytes, words], index) => {
      return [index === 0 ? "of these" : "", `${bytesText(bytes)} (${shares[index]}) ${words}`] as const;
    }),
    ["sent", sizes.sentBytes === null ? null : `${bytesText(sizes.sentBytes)} by the server`],
    ["read", bytesText(sizes.readBytes)],
    ["stored", `${bytesText(sizes.storedBytes)} added to the repository`],
  ];
}

export function placeLines({ places }: BackupBytes): Lines {
  if (places === null || places.length === 0) return [];
  const lines = places.slice(0, placesShown).map((place, index) => {
    const packs = place.packs === 1 ? "1 pack" : `${place.packs} packs`;
    return [
      index === 0 ? "bytes live in" : "",
      `${bytesText(place.bytes)} in ${packs} of ${writerText(place)}`,
    ] as const;
  });
  const rest = places.slice(placesShown);
  const more = rest.reduce((sum, { bytes }) => sum + BigInt(bytes), 0n);
  const others = places.some(({ own }) => !own);
  return [
    ...lines,
    ["", rest.length === 0 ? null : `${formatBytes(more)} in packs of ${rest.length} other backups`],
    ["", others ? "deleting any of them does not harm this backup: a pack stays while a backup needs it" : null],
  ];
}

function writerText({ own, backupId, backup }: Place): string {
  if (own) return "its own";
  if (backupId === null) return "a backup that cannot be told (their heads cannot be read)";
  if (backup === null) return backupId;
  return `${backupId}, ${formatInstant(backup.startedAt)}${backup.state === "DELETED" ? ", deleted since" : ""}`;
}

export function readingText({ reading }: BackupBytes): string | null {
  if (reading === null) return null;
  if (reading.kind === "FULL") return reading.reason === null ? "everything" : `everything, because ${reading.reason}`;
  const resent = `${reading.resentFiles} files (${bytesText(reading.resentBytes ?? "0")}) whole all the same`;
  return `what changed since ${reading.fromBackupId}; ${resent}`;
}

export function trustText({ trust }: BackupBytes): string | null {
  if (trust === null) return null;
  const share = `share ${trust.round + 1} of 28 was sent again and compared`;
  if (trust.findings.length === 0) return `${share}: as it was stored`;
  const said = trust.findings.map(({ path, blocks, older }) => {
    const list = `${blocks.slice(0, 5).join(", ")}${blocks.length > 5 ? ", …" : ""}`;
    return `${path}, block ${list} (${lowerState(older)} older)`;
  });
  return `${share}: differs without a trace in the WAL: ${said.slice(0, 5).join("; ")}`;
}

/** "100 % opened and checked since …; stored bytes 100 % since …". */
export function coverageText(coverage: Coverage | null): string | null {
  if (coverage === null) return null;
  const since = (share: number, at: string | null, what: string): string =>
    `${what} to ${formatShare(share)}${at === null ? "" : ` since ${formatInstant(at)}`}`;
  const stored = since(coverage.storedShare, coverage.storedSince, "stored bytes");
  return `${stored}; ${since(coverage.wholeShare, coverage.wholeSince, "opened and checked")}`;
}

function bytesText(bytes: string): string {
  return formatBytes(BigInt(bytes));
}

const placesShown = 10;
