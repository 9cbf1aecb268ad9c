import { check, found, ok } from "./check.ts";
import { changeSettings } from "./setting-remedy.ts";

const fsync = check({
  id: "fsync",
  title: "The server writes through to its disk",
  problem: "The server does not write through to its disk",
  severity: "risk",
  read: "fsync",
  required: "on",
  why: "a crash of the machine leaves a damaged cluster, and a backup taken from it is damaged too",
  parts: ["settings"],
  judge(evidence) {
    if (evidence.settings.isOn("fsync")) return ok("on");
    return found("off", changeSettings(evidence, { fsync: "on" }));
  },
});

const fullPageWrites = check({
  id: "full-page-writes",
  title: "WAL carries whole pages after a checkpoint",
  problem: "WAL lacks whole pages",
  severity: "risk",
  read: "full_page_writes, and on a standby what its primary's WAL says (pg_control_checkpoint)",
  required: "on",
  why: "a page torn by a crash cannot be mended; a backup of a primary turns it on for its time, one of a standby is refused by the server",
  parts: ["settings", "control"],
  judge(evidence) {
    const { settings, control, server } = evidence;
    if (server.inRecovery && !control.fullPageWrites) {
      // The checkpoint's record says what the checkpointer knows, which learns of the reload a moment later.
      const sql = [
        "ALTER SYSTEM SET full_page_writes = 'on';",
        "SELECT pg_reload_conf();",
        "SELECT pg_sleep(1);",
        "CHECKPOINT;",
      ].join("\n");
      const advice = "run it on the primary, then CHECKPOINT on this standby";
      return found(
        "the primary's WAL is written with full_page_writes = off",
        { sql, advice },
        { severity: "blocks-backup" },
      );
    }
    if (settings.isOn("full_page_writes")) return ok("on");
    const told = server.inRecovery ? "off here, which counts once this standby is promoted" : "off";
    return found(told, changeSettings(evidence, { full_page_writes: "on" }));
  },
});

const dataChecksums = check({
  id: "data-checksums",
  title: "Pages carry checksums",
  problem: "Pages carry no checksums",
  severity: "risk",
  read: "data_checksums",
  required: "on",
  why: "without them a page that rotted on the disk is backed up, and kept, as if it were good",
  parts: ["settings"],
  judge({ settings }) {
    if (settings.isOn("data_checksums")) return ok("on");
    const directory = settings.text("data_directory") ?? "the data directory";
    return found("off", {
      advice: `stop the server cleanly, run pg_checksums --enable -D ${directory} as its user, and start it; standbys likewise`,
      needs: "restart",
    });
  },
});

const maskingSettings = ["zero_damaged_pages", "ignore_checksum_failure"] as const;

const damageHidden = check({
  id: "damage-hidden",
  title: "The server does not look past damage",
  problem: "The server looks past damage",
  severity: "risk",
  read: maskingSettings.join(", "),
  required: "off",
  why: "damaged pages are read as empty or as good, written back so, and then backed up so",
  parts: ["settings"],
  judge(evidence) {
    const set = maskingSettings.filter((name) => evidence.settings.isOn(name));
    if (set.length === 0) return ok("off");
    const changes = Object.fromEntries(set.map((name) => [name, "off"]));
    return found(`${set.join(" and ")} on`, changeSettings(evidence, changes));
  },
});

export const durabilityChecks = [fsync, fullPageWrites, dataChecksums, damageHidden];
