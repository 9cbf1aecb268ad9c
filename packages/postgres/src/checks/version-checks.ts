import { supportedMajors } from "../session/capabilities.ts";
import { check, found, ok } from "./check.ts";
import { type KnownDefect, knownDefects, lastReleases } from "./known-defects.ts";

const versionSupported = check({
  id: "version-supported",
  title: "The major version is supported",
  problem: "The major version is out of support",
  severity: "blocks-backup",
  read: "server_version_num",
  required: `PostgreSQL ${supportedMajors[0]} to ${supportedMajors.at(-1)}`,
  why: "formats change with each major; we touch only those we know",
  parts: [],
  judge({ server: { major, versionText } }, { clock }) {
    if (!supportedMajors.includes(major)) {
      const newer = major > (supportedMajors.at(-1) ?? 0);
      const advice = newer ? "a newer Tidemark may know it" : "move to a supported major with pg_upgrade or a dump";
      return found(versionText, { advice });
    }
    const ended = lastReleases.get(major);
    if (ended === undefined || clock.now() < new Date(`${ended}T00:00:00Z`)) return ok(versionText);
    const advice = "move to a newer major with pg_upgrade or a dump; backups of this one go on";
    const required = "a major the PostgreSQL project still mends";
    return found(
      `${versionText}; PostgreSQL ${major} had its last release on ${ended}`,
      { advice },
      { severity: "note", required },
    );
  },
});

const knownBackupDefects = check({
  id: "known-backup-defects",
  title: "The minor release has no known defects in backups",
  problem: "The minor release has known defects in backups",
  severity: "risk",
  read: "server_version_num, summarize_wal",
  required: "the newest minor release of its major",
  why: "what the server sends for an incremental backup may then not be what it has",
  parts: ["settings"],
  judge({ server: { major, versionNum, versionText }, settings }) {
    const summarizes = settings.isOn("summarize_wal");
    const minor = versionNum % 10_000;
    const present = knownDefects.filter((defect) => defect.major === major && minor < defect.fixedIn);
    if (present.length === 0) return ok(`none known of ${versionText}`);
    const told = present.map(({ what, source }) => `${what} (${source})`).join("; ");
    const target = Math.max(...present.map(({ fixedIn }) => fixedIn));
    return found(
      `${versionText}: ${told}`,
      { advice: `install ${major}.${target} or newer and restart; no dump is needed between minors`, needs: "restart" },
      {
        severity: present.some((defect) => severityOf(defect, summarizes) === "risk") ? "risk" : "note",
        required: `${major}.${target} or newer`,
      },
    );
  },
});

function severityOf({ severity, whenSummarizing }: KnownDefect, summarizes: boolean): KnownDefect["severity"] {
  return summarizes ? (whenSummarizing ?? severity) : severity;
}

export const versionChecks = [versionSupported, knownBackupDefects];
