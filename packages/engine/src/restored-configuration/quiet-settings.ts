import type { ServerSettings } from "@tidemark/local-postgres";

/** What keeps a restored server away from where its source was. */
export interface QuietAsk {
  readonly major: number;
  /** It takes the source's place: it archives, waits for standbys and receives subscriptions as the source did. */
  readonly adopt: boolean;
}

/**
 * Settings by which a restored server leaves alone what its source used: it archives nothing, follows nobody, takes
 * nobody's slot (a subscription takes the publisher's) and does not wait for the source's standbys. A server that takes
 * the source's place has them as the source had; even then it follows nobody, since that is a deliberate act.
 */
export function quietSettings({ major, adopt }: QuietAsk): ServerSettings {
  // The last of them would run at each restartpoint, and remove WAL from the archive the source restores from.
  const followsNobody = { primary_conninfo: "", primary_slot_name: "", archive_cleanup_command: "" };
  if (adopt) return followsNobody;
  return {
    ...followsNobody,
    archive_mode: false,
    archive_command: "",
    // Came with 15.
    ...(major >= 15 ? { archive_library: "" } : {}),
    synchronous_standby_names: "",
    max_logical_replication_workers: 0,
  };
}
