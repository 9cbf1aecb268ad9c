/** PostgreSQL's major versions we know to run. */
export const knownMajors = [13, 14, 15, 16, 17, 18] as const;
export type Major = (typeof knownMajors)[number];

export function isKnownMajor(value: number): value is Major {
  return (knownMajors as readonly number[]).includes(value);
}

/** Programs of one PostgreSQL version on this machine, which the server's account can run. */
export interface PostgresInstallation {
  readonly major: Major;
  /** As `postgres -V` says it: `18.4`, or `15.14 (Debian 15.14-0+deb12u1)`. */
  readonly version: string;
  readonly binDir: string;
  /** `host`: installed on this machine; `npm`: a build from npm, without lz4 and zstd and with its own ICU. */
  readonly origin: "host" | "npm";
  /** Where the programs really live, when they were copied because the server's account cannot enter that place. */
  readonly relocatedFrom: string | null;
}
