import { formatShare } from "@tidemark/kit/units";
import type { ResultOf } from "#graphql/graphql.ts";
import { count, plural } from "#lib/format.ts";
import { Fact } from "#ui/facts.tsx";
import { Time } from "#ui/time.tsx";
import type { CoverageFields } from "./backup-bytes-fields.ts";

/** How much is known to be sound by now, whichever verifications showed it, and since when. */
export function CoverageFacts({ coverage }: { readonly coverage: ResultOf<typeof CoverageFields> }) {
  return (
    <>
      <Fact label="Stored bytes verified">
        <Verified share={coverage.storedShare} since={coverage.storedSince} />
      </Fact>
      <Fact label="Opened and verified">
        <Verified share={coverage.wholeShare} since={coverage.wholeSince} />
      </Fact>
    </>
  );
}

/** Of archived WAL: "118 of 120 segments since …". */
export function VerifiedWal({ coverage }: { readonly coverage: WalCoverage }) {
  const { segments, verifiedSegments, damagedSegments, since } = coverage;
  return (
    <>
      {count(verifiedSegments)} of {plural(segments, "segment")}
      {since !== null && (
        <>
          {" since "}
          <Time at={since} show="absolute" />
        </>
      )}
      {damagedSegments > 0 && <strong className="text-bad">, {count(damagedSegments)} damaged</strong>}
    </>
  );
}

interface WalCoverage {
  readonly segments: number;
  readonly verifiedSegments: number;
  readonly damagedSegments: number;
  readonly since: string | null;
}

/** "100 % since …". */
export function Verified({ share, since }: { readonly share: number; readonly since: string | null }) {
  return (
    <>
      {formatShare(share)}
      {since !== null && (
        <>
          {" since "}
          <Time at={since} show="absolute" />
        </>
      )}
    </>
  );
}
