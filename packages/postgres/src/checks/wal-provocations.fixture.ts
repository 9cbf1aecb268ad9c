import {
  archived,
  beginReplication,
  closeReplication,
  dropSlots,
  ownSlot,
  type Provocation,
  reset,
  role,
  set,
  setAndRestart,
  slotIsActive,
  streams,
  until,
  writeWal,
} from "./provocation.fixture.ts";

/** WAL, slots and the archiver. */
export const walProvocations: readonly Provocation[] = [
  {
    id: "wal-level",
    on: "main",
    severity: "blocks-backup",
    provoke: ({ main }) => setAndRestart(main, { wal_level: "minimal", max_wal_senders: "0" }),
  },
  {
    id: "summarize-wal",
    on: "main",
    from: 17,
    severity: "note",
    cleanUp: ({ main }) => set(main, { summarize_wal: "off" }),
  },
  {
    id: "wal-senders",
    on: "main",
    severity: "blocks-backup",
    provoke: ({ main }) => setAndRestart(main, { max_wal_senders: "0" }),
  },
  {
    id: "wal-senders",
    on: "main",
    severity: "blocks-wal",
    provoke: ({ main }) => setAndRestart(main, { max_wal_senders: "1" }),
    context: () => streams,
  },
  {
    id: "wal-keep-size",
    on: "main",
    severity: "risk",
    provoke: ({ main }) => setAndRestart(main, { max_replication_slots: "0" }),
    cleanUp: ({ main }) => reset(main, "wal_keep_size"),
  },
  {
    id: "replication-slots",
    on: "main",
    severity: "blocks-wal",
    provoke: ({ main }) => setAndRestart(main, { max_replication_slots: "0" }),
    context: () => streams,
  },
  {
    id: "wal-sender-timeout",
    on: "main",
    severity: "risk",
    provoke: ({ main }) => main.query(`ALTER ROLE ${role} SET wal_sender_timeout = '5s'`),
  },
  {
    id: "checkpoint-timeout",
    on: "main",
    severity: "note",
    provoke: ({ main }) => set(main, { checkpoint_timeout: "2h" }),
  },
  { id: "track-commit-timestamp", on: "main", severity: "note" },
  {
    id: "own-slot-exists",
    on: "main",
    severity: "blocks-wal",
    context: () => streams,
    cleanUp: ({ main }) => dropSlots(main),
  },
  {
    id: "own-slot-exists",
    on: "main",
    severity: "blocks-wal",
    provoke: ({ main }) => main.query("SELECT pg_create_physical_replication_slot('tidemark', false)"),
    context: () => streams,
    cleanUp: ({ main }) => dropSlots(main),
  },
  {
    id: "own-slot-active",
    on: "main",
    severity: "blocks-wal",
    provoke: ({ main }) => ownSlot(main),
    context: () => streams,
    follow: async ({ main }) => {
      const [slot] = await main.query<{ at: string }>("SELECT restart_lsn::text AS at FROM pg_replication_slots");
      await beginReplication(main, `START_REPLICATION SLOT tidemark PHYSICAL ${slot?.at}`);
      await until("the slot to be active", () => slotIsActive(main, "tidemark"));
    },
    cleanUp: async ({ main }) => {
      await closeReplication();
      await dropSlots(main);
    },
  },
  {
    id: "own-slot-status",
    on: "main",
    severity: "blocks-wal",
    provoke: async ({ main }) => {
      // What is kept for the standby would keep the slot's WAL, too.
      await set(main, { wal_keep_size: "0", max_slot_wal_keep_size: "1MB", max_wal_size: "2MB", min_wal_size: "2MB" });
      await ownSlot(main);
      await writeWal(main, 6);
      await main.query("CHECKPOINT");
    },
    context: () => streams,
    cleanUp: async ({ main }) => {
      await reset(main, "max_slot_wal_keep_size");
      await dropSlots(main);
    },
  },
  {
    id: "own-slot-status",
    on: "main",
    severity: "blocks-wal",
    provoke: async ({ main }) => {
      await set(main, { wal_keep_size: "0", max_slot_wal_keep_size: "3MB" });
      await ownSlot(main);
    },
    context: () => streams,
    cleanUp: ({ main }) => dropSlots(main),
  },
  {
    id: "slot-wal-limit",
    on: "main",
    severity: "risk",
    provoke: ({ main }) => set(main, { max_slot_wal_keep_size: "64MB" }),
    cleanUp: ({ main }) => reset(main, "max_slot_wal_keep_size"),
  },
  {
    id: "slot-idle-timeout",
    on: "main",
    from: 18,
    severity: "risk",
    provoke: ({ main }) => set(main, { idle_replication_slot_timeout: "1h" }),
    context: () => streams,
  },
  {
    id: "foreign-slots",
    on: "main",
    severity: "risk",
    provoke: async ({ main }) => {
      await set(main, { max_wal_size: "2MB", min_wal_size: "2MB" });
      await main.query("SELECT pg_create_physical_replication_slot('gone_standby', true)");
      await writeWal(main, 4);
    },
    cleanUp: ({ main }) => reset(main, "max_wal_size", "min_wal_size"),
  },
  {
    id: "archive-mode",
    on: "main",
    severity: "risk",
    provoke: async ({ main }) => {
      const folder = await main.folder("archive");
      await set(main, { archive_command: `cp %p ${folder}/%f` });
    },
  },
  { id: "archive-timeout", on: "main", severity: "note", provoke: ({ main }) => archiving(main) },
  {
    id: "archiver-health",
    on: "main",
    severity: "risk",
    provoke: async ({ main }) => {
      await archiving(main);
      await main.query("SELECT pg_stat_reset_shared('archiver')");
      await set(main, { archive_command: "false" });
      await writeWal(main, 1);
      await until("the archiver to fail", () => archived(main, "failed_count"));
    },
    follow: async ({ main }) => {
      await main.query("SELECT pg_stat_reset_shared('archiver')");
      const folder = await main.folder("archive");
      await set(main, { archive_command: `cp %p ${folder}/%f` });
      await writeWal(main, 1);
      await until("the archiver to succeed", () => archived(main, "archived_count"));
    },
  },
  {
    id: "archives-twice",
    on: "main",
    severity: "note",
    provoke: async ({ main }) => {
      await archiving(main);
      await set(main, { archive_command: "tidemark wal push %p" });
    },
    context: () => streams,
  },
  {
    id: "archive-command",
    on: "main",
    severity: "risk",
    provoke: async ({ main }) => {
      await archiving(main);
      await set(main, { archive_command: "/bin/true" });
    },
  },
  {
    id: "archive-command",
    on: "main",
    severity: "risk",
    provoke: async ({ main }) => {
      await archiving(main);
      await set(main, { archive_command: "" });
    },
    cleanUp: ({ main }) => reset(main, "archive_mode", "archive_command"),
  },
];

/** archive_mode = on, whatever a remedy left. */
async function archiving(server: Parameters<typeof set>[0]): Promise<void> {
  const [row] = await server.query<{ archive_mode: string }>("SHOW archive_mode");
  if (row?.archive_mode !== "on") await setAndRestart(server, { archive_mode: "on" });
}
