import { CoverageFacts, VerifiedWal } from "#backups/coverage-facts.tsx";
import { bytes, count, plural, sentence, words } from "#lib/format.ts";
import { Fact, Facts } from "#ui/facts.tsx";
import { Panel } from "#ui/panel.tsx";

/** Of packages/jobs, VerifyResult: what the verification of all backups of a server leaves in its run. */
interface Result {
  readonly ok: boolean;
  readonly checkedBackups: number;
  readonly checkedBytes: string;
  readonly checkedPacks: number | null;
  readonly tier: string;
  readonly problems: readonly string[];
  readonly hitBackupIds: readonly string[];
  readonly healing: readonly string[];
  readonly coverage: {
    readonly storedShare: number;
    readonly wholeShare: number;
    readonly storedSince: string | null;
    readonly wholeSince: string | null;
  } | null;
  /** Left out by older Tidemarks. */
  readonly wal?: {
    readonly checkedSegments: number;
    readonly checkedBytes: string;
    readonly coverage: {
      readonly segments: number;
      readonly verifiedSegments: number;
      readonly damagedSegments: number;
      readonly since: string | null;
    } | null;
  } | null;
}

/** A verification of all backups of a server: each pack was read once for all that share it. */
export function AreaVerification({ result }: { readonly result: unknown }) {
  if (typeof result !== "object" || result === null || !("checkedBackups" in result)) return null;
  const found = result as Result;
  return (
    <Panel title="Verification">
      <div className="space-y-4">
        <Facts columns={3}>
          <Fact label="Outcome">{found.ok ? "Everything agrees" : "Damage was found"}</Fact>
          <Fact label="Backups">{count(found.checkedBackups)}</Fact>
          <Fact label="Packs, each once">{count(found.checkedPacks)}</Fact>
          <Fact label="Read and compared">{bytes(found.checkedBytes)}</Fact>
          <Fact label="How deep">{words(found.tier)}</Fact>
          {found.hitBackupIds.length > 0 && <Fact label="Backups hit">{count(found.hitBackupIds.length)}</Fact>}
          {found.coverage !== null && <CoverageFacts coverage={found.coverage} />}
          {found.wal != null && (
            <Fact label="Archived WAL read">
              {plural(found.wal.checkedSegments, "segment")}, {bytes(found.wal.checkedBytes)}
            </Fact>
          )}
          {found.wal?.coverage != null && (
            <Fact label="Archived WAL verified">
              <VerifiedWal coverage={found.wal.coverage} />
            </Fact>
          )}
        </Facts>
        {found.problems.length > 0 && (
          <ul aria-label="Problems" className="list-disc space-y-1 ps-5 text-sm text-bad">
            {found.problems.map((problem) => (
              <li key={problem} className="break-words">
                {problem}
              </li>
            ))}
          </ul>
        )}
        {found.healing.map((way) => (
          <p key={way} className="text-sm">
            {sentence(way)}
          </p>
        ))}
      </div>
    </Panel>
  );
}
