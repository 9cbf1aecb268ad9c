import { restorePath, runPath, serverPath } from "#lib/paths.ts";
import { LiveRefresh } from "#shell/live-refresh.tsx";
import { PageHeader } from "#shell/page-header.tsx";
import { LinkButton } from "#ui/button.tsx";
import { ErrorPanel } from "#ui/error-panel.tsx";
import { Facts, Mono } from "#ui/facts.tsx";
import { Note } from "#ui/note.tsx";
import { Panel } from "#ui/panel.tsx";
import { Time } from "#ui/time.tsx";
import { DrillNow, VerifyNow } from "./backup-actions.tsx";
import { BackupStateBadge, ProofBadge } from "./backup-badges.tsx";
import { BackupBytesPanel } from "./backup-bytes-panel.tsx";
import { BackupFacts } from "./backup-facts.tsx";
import { BackupFilesPanel } from "./backup-files.tsx";
import { BackupPlacesPanel } from "./backup-places.tsx";
import type { BackupDetail } from "./backup-query.ts";
import { CoverageFacts } from "./coverage-facts.tsx";
import { DeleteBackupDialog } from "./delete-backup.tsx";
import { HoldBackupDialog, ReleaseBackupButton } from "./hold-backup.tsx";
import { NoteForm } from "./note-form.tsx";
import { ProofView, VerificationView } from "./proof-view.tsx";
import { TrustNote } from "./trust-note.tsx";

export function BackupView({ backup }: { readonly backup: BackupDetail }) {
  const usable = backup.state === "RESTORABLE" || backup.state === "STORED";
  const present = usable || backup.state === "FAILED" || backup.state === "INTERRUPTED";
  return (
    <>
      <LiveRefresh everyMs={backup.state === "RUNNING" || backup.state === "DELETING" ? 3000 : 15_000} />
      <PageHeader
        trail={[
          { title: "Servers", path: "/" },
          { title: backup.server.name, path: serverPath(backup.server) },
          { title: "Backups", path: serverPath(backup.server, "backups") },
        ]}
        title={
          <>
            Backup of <Time at={backup.startedAt} show="absolute" />
          </>
        }
        beside={
          <>
            <BackupStateBadge backup={backup} />
            {usable && <ProofBadge backup={backup} />}
          </>
        }
        {...(backup.label === null ? {} : { description: backup.label })}
        actions={
          backup.state === "RESTORABLE" && (
            <LinkButton tone="primary" href={restorePath(backup.server, backup.id)}>
              Restore…
            </LinkButton>
          )
        }
      />
      <div className="space-y-5">
        <Warnings backup={backup} />
        {usable && <Proof backup={backup} />}
        {usable && <Verification backup={backup} />}
        {usable && <Hold backup={backup} />}
        {usable && <BackupBytesPanel backup={backup} />}
        {usable && <BackupPlacesPanel backup={backup} />}
        <BackupFacts backup={backup} />
        <BackupFilesPanel files={backup.files} tablespaces={backup.tablespaces} />
        {usable && <NoteForm backupId={backup.id} note={backup.note} />}
        {present && (
          <Panel
            title="Delete"
            description="What it would mean is shown first. No other backup depends on this one."
            action={<DeleteBackupDialog backupId={backup.id} />}
            padded={false}
          >
            {null}
          </Panel>
        )}
      </div>
    </>
  );
}

function Warnings({ backup }: { readonly backup: BackupDetail }) {
  return (
    <>
      {backup.state === "RUNNING" && backup.run !== null && (
        <Note>
          It is being taken now.{" "}
          <LinkButton small href={runPath(backup.run.id)}>
            Watch
          </LinkButton>
        </Note>
      )}
      {backup.state === "STORED" && (
        <Note kind="warn">Copied, but the WAL it needs is not whole yet. It becomes restorable once that is.</Note>
      )}
      {backup.error !== null && <ErrorPanel title="This backup did not succeed" problem={backup.error} />}
      {backup.deletedAt !== null && (
        <Note>
          Deleted <Time at={backup.deletedAt} show="absolute" />
          {backup.deletedReason !== null && `: ${backup.deletedReason}`}
        </Note>
      )}
      {backup.damaged && (
        <Note kind="warn">
          <strong>Damaged.</strong> {backup.damageDetail}
        </Note>
      )}
      <TrustNote trust={backup.trust} />
      {backup.suspectPages.length > 0 && (
        <Note kind="warn">
          <p>
            Pages whose checksum did not agree while they were copied (torn by a write, or rotten on the server; a drill
            tells):
          </p>
          <ul>
            {backup.suspectPages.map((suspect) => (
              <li key={suspect.path}>
                <Mono>{suspect.path}</Mono>, {suspect.blocks.length === 1 ? "block" : "blocks"}{" "}
                {suspect.blocks.join(", ")}
              </li>
            ))}
          </ul>
        </Note>
      )}
    </>
  );
}

function Proof({ backup }: { readonly backup: BackupDetail }) {
  return (
    <Panel title="Proof" action={<DrillNow backupId={backup.id} />}>
      {backup.proof === null ? (
        <p className="text-sm text-muted">
          Not proven yet. A drill restores it to a scratch place, starts a real PostgreSQL on it, checks it and throws
          it away.
        </p>
      ) : (
        <ProofView proof={backup.proof} />
      )}
    </Panel>
  );
}

function Verification({ backup }: { readonly backup: BackupDetail }) {
  return (
    <Panel title="Verification" action={<VerifyNow backupId={backup.id} />}>
      <div className="space-y-4">
        {backup.verification === null ? (
          <p className="text-sm text-muted">
            Not verified by itself yet. A verification reads every stored byte back and compares it.
          </p>
        ) : (
          <VerificationView verification={backup.verification} />
        )}
        {isSoundSince(backup) && (
          <p className="text-sm">
            Verified as a whole <Time at={backup.verifiedAt} show="absolute" />: everything agreed.
          </p>
        )}
        {backup.coverage !== null && (
          <div className="space-y-2 border-t pt-4">
            <h3 className="text-sm font-medium">By now, with what was verified for backups that share its packs</h3>
            <Facts columns={3}>
              <CoverageFacts coverage={backup.coverage} />
            </Facts>
          </div>
        )}
      </div>
    </Panel>
  );
}

/** Verified with all backups of the server after it was by itself: what was found then is the older news. */
function isSoundSince({ verification, verifiedAt, damaged }: BackupDetail): boolean {
  if (verifiedAt === null || damaged) return false;
  return verification === null || Date.parse(verifiedAt) > Date.parse(verification.at);
}

function Hold({ backup }: { readonly backup: BackupDetail }) {
  if (backup.hold === null) {
    return (
      <Panel title="Hold" action={<HoldBackupDialog backupId={backup.id} />}>
        <p className="text-sm text-muted">Not held: the policy decides how long it stays.</p>
      </Panel>
    );
  }
  return (
    <Panel title="Hold" action={<ReleaseBackupButton backupId={backup.id} />}>
      <p className="text-sm">
        Held by {backup.hold.by} since <Time at={backup.hold.at} show="absolute" />: {backup.hold.reason}
      </p>
    </Panel>
  );
}
