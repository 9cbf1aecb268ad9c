import { type FileHandle, open, readFile, rm } from "node:fs/promises";
import { systemErrorCode } from "@tidemark/kit";
import type { ServerSettings } from "@tidemark/local-postgres";
import { higherLimits, parsePgControl, type ServerLimits } from "@tidemark/postgres";
import { walCommands } from "../point-in-time/wal-commands.ts";
import type { RestorePlan } from "../restore/plan-restore.ts";
import { type RestorePlaces, stagedControlPath } from "../restore/restore-places.ts";
import type { ComposedFile } from "./compose-configuration.ts";
import { withoutPasswords, withSettings } from "./edit-configuration.ts";
import { minimumSettings } from "./minimum-settings.ts";
import { quietSettings } from "./quiet-settings.ts";
import { recoverySettings } from "./recovery-settings.ts";

/** The file PostgreSQL reads last, so that what is in it wins; pg_verifybackup passes it over. */
export const autoConfigurationPath = "postgresql.auto.conf";

/**
 * Makes a restored directory a server that leaves alone what its source used and, where a recovery was asked for, one
 * that recovers to its target when it is started. Gives the files it changed for `backup_manifest`. The data must be
 * there: limits are those of the restored `pg_control`, or `later` ones that the source was given after the backup.
 */
export async function writeRecovery(
  plan: RestorePlan,
  places: RestorePlaces,
  later: ServerLimits | null,
): Promise<readonly ComposedFile[]> {
  const main = await readText(places, "postgresql.conf");
  const auto = await readText(places, autoConfigurationPath);
  const changed: ComposedFile[] = [];
  const cleaned = main === null ? null : withoutPasswords(main);
  if (cleaned !== null) changed.push({ path: "postgresql.conf", bytes: Buffer.from(cleaned, "latin1") });
  const settings = await settingsFor(plan, places, [main ?? "", auto ?? ""], later);
  const about = aboutSettings(plan);
  const text = withSettings(withoutPasswords(auto ?? "") ?? auto ?? "", about, settings);
  changed.push({ path: autoConfigurationPath, bytes: Buffer.from(text, "latin1") });
  for (const file of changed) await rewrite(plan, places.below(file.path), file.bytes);
  await writeSignal(plan, places);
  return changed;
}

async function settingsFor(
  plan: RestorePlan,
  places: RestorePlaces,
  files: readonly string[],
  later: ServerLimits | null,
): Promise<ServerSettings> {
  const major = Math.floor(plan.facts.serverVersion / 10_000);
  const quiet = quietSettings({ major, adopt: plan.request.adopt === true });
  const { recovery } = plan;
  if (recovery === null) return quiet;
  const { limits } = parsePgControl(await readFile(places.below(stagedControlPath)));
  const { action, asStandby } = recovery.request;
  return {
    ...quiet,
    ...minimumSettings(higherLimits(limits, later), files),
    ...recoverySettings({
      target: recovery.recoverAs,
      timeline: recovery.timeline,
      action,
      asStandby,
      ...walCommands(recovery),
    }),
  };
}

function aboutSettings({ backupId, serverName, recovery }: RestorePlan): string[] {
  const lines = [
    `Written by Tidemark when it restored backup ${backupId} of ${serverName}.`,
    "Archiving, slots, subscriptions and standbys of the source are left alone; take a line out to have it as the source had it.",
  ];
  if (recovery !== null)
    lines.push(`${recovery.sentence}. What begins with recovery_ counts while a signal file is there.`);
  return lines;
}

/** One of the two decides whether, and how, a server recovers; both would make it a standby. */
async function writeSignal(plan: RestorePlan, places: RestorePlaces): Promise<void> {
  if (plan.recovery === null) return;
  const { asStandby } = plan.recovery.request;
  await rm(places.below(asStandby ? "recovery.signal" : "standby.signal"), { force: true });
  await rewrite(plan, places.below(asStandby ? "standby.signal" : "recovery.signal"), Buffer.alloc(0));
}

/** Null: there is no such file. */
async function readText(places: RestorePlaces, path: string): Promise<string | null> {
  try {
    return await readFile(places.below(path), "latin1");
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return null;
    throw error;
  }
}

/** In place: nothing starts here before the restore has ended, and one that dies begins anew. */
async function rewrite(plan: RestorePlan, place: Buffer, bytes: Buffer): Promise<void> {
  const handle: FileHandle = await open(place, "w", 0o600);
  try {
    await handle.writeFile(bytes);
    await handle.chmod(plan.facts.dataDirectoryMode & 0o640);
    if (plan.owner !== null) await handle.chown(plan.owner.uid, plan.owner.gid);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
