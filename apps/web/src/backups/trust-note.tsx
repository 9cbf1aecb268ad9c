import { Mono } from "#ui/facts.tsx";
import { Note } from "#ui/note.tsx";
import type { BackupBytes } from "./backup-bytes-fields.ts";

const older = {
  STORED: "the stored page was the older one, so its change was missed",
  SERVER: "the server's page is the older one, so a write was lost there",
  NEITHER: "both are of the same age, so one of them was damaged at rest",
} as const;

/** What rolling trust found in this backup; nothing when all was as stored. */
export function TrustNote({ trust }: Pick<BackupBytes, "trust">) {
  if (trust === null || trust.findings.length === 0) return null;
  return (
    <Note kind="warn">
      <p>
        Pages that were sent again are not what the backup before had stored, although no WAL names them. This backup
        holds them as the server has them:
      </p>
      <ul>
        {trust.findings.slice(0, shown).map((finding) => (
          <li key={`${finding.path} ${finding.older}`}>
            <Mono>{finding.path}</Mono>, {finding.blocks.length === 1 ? "block" : "blocks"}{" "}
            {finding.blocks.slice(0, shown).join(", ")}
            {finding.blocks.length > shown && " …"}: {older[finding.older]}
          </li>
        ))}
      </ul>
      {trust.findings.length > shown && <p>and {trust.findings.length - shown} more files</p>}
    </Note>
  );
}

const shown = 20;
