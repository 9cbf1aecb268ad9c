import { neededWalFolder } from "../point-in-time/copy-needed-wal.ts";
import type { RecoveryPlan } from "../point-in-time/recovery-request.ts";
import { originalsFolder } from "../restored-configuration/compose-configuration.ts";
import { autoConfigurationPath } from "../restored-configuration/write-recovery.ts";
import type { RestorePlan } from "./plan-restore.ts";

/** What a person does with a restored directory, in order, as sentences. */
export function describeNextSteps(plan: RestorePlan): readonly string[] {
  const drops = (plan.databases?.emptied ?? []).map(
    ({ name }) => `drop what was left empty: DROP DATABASE "${name.replaceAll('"', '""')}"`,
  );
  const steps = [startStep(plan), ...(plan.recovery === null ? [] : recoverySteps(plan.recovery))];
  if (plan.missingConfiguration.includes("postgresql.conf")) {
    const original = plan.facts.configuration === null ? "" : `, with the original in ${originalsFolder} at hand`;
    steps.push(
      `its ${plan.missingConfiguration.join(", ")} are minimal ones: bring over what the server shall have${original}`,
    );
  }
  if (!plan.request.keepSignalFiles || plan.recovery !== null) steps.push(quietStep(plan));
  return [...steps, ...drops];
}

function startStep({ facts, targetDirectory, recovery }: RestorePlan): string {
  const major = Math.floor(facts.serverVersion / 10_000);
  const what =
    recovery === null
      ? "it recovers from the WAL in the backup and is then ready"
      : "nothing was replayed yet: it recovers to the target when it is started";
  return `start PostgreSQL ${major} on ${targetDirectory} (pg_ctl -D '${targetDirectory.replaceAll("'", "'\\''")}' -t 86400 start, as the owner of the folder); ${what}`;
}

function recoverySteps({ request, recoverAs, timeline }: RecoveryPlan): readonly string[] {
  if (request.asStandby) {
    const more =
      request.wal === "copy"
        ? `it has the WAL in ${neededWalFolder} and gets no more by itself`
        : "it follows the archive";
    return [
      `it stays a standby on timeline ${timeline}: ${more}; to follow a primary set primary_conninfo, and recovery_target_timeline = 'latest' to follow it through failovers`,
    ];
  }
  if (recoverAs.kind === "latest") return [];
  if (request.action === "pause") {
    return [
      "at the target it pauses and answers queries read-only: look, then SELECT pg_wal_replay_resume() to end the recovery there and take writes",
    ];
  }
  if (request.action === "shutdown") {
    return [
      `at the target it shuts down, and does so again at each start: set recovery_target_action = 'promote' in ${autoConfigurationPath} and start it to go on from there (removing recovery.signal instead would let it run past the target)`,
    ];
  }
  return ["at the target it ends the recovery and takes writes, on a timeline of its own"];
}

function quietStep({ request }: RestorePlan): string {
  const settings = `the last lines of ${autoConfigurationPath}`;
  if (request.adopt === true)
    return `it archives and receives subscriptions as its source did; it follows nobody (${settings})`;
  return `it archives nothing, follows nobody and takes no slot, whatever its other files say (${settings}): take out what it shall do again`;
}
