import { formatShare } from "@tidemark/kit/units";
import type { ResultOf } from "#graphql/graphql.ts";
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
