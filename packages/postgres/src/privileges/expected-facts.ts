/**
 * Facts: what each role reads on 13 … 18. Written from the manual and the source; `expected-results.ts` says how to
 * read it.
 *
 * - server-info, settings, archiver, slots: settings that are not superuser-only, pg_stat_archiver and
 *   pg_replication_slots are for everybody (system_views.sql revokes nothing of them; manual, "The Cumulative Statistics
 *   System": only rows about sessions of other roles are hidden).
 * - system-identifier, control-data: pg_control_system() and its like are for everybody (manual, "Control Data
 *   Functions"; system_functions.sql does not revoke them).
 * - data-directory: GUC_SUPERUSER_ONLY (guc_tables.c); needs pg_read_all_settings (manual, "Predefined Roles").
 *   EXCEPTION noinherit: 13 and 14 ask is_member_of_role, which looks through NOINHERIT (guc.c, ConfigOptionIsVisible);
 *   15 and later has_privs_of_role (release notes of 15).
 * - replication, wal-receiver: the rows come, their columns are null without pg_read_all_stats (walsender.c,
 *   pg_stat_get_wal_senders; walreceiver.c, pg_stat_get_wal_receiver). EXCEPTION noinherit as above.
 * - configuration: pg_hba_file_rules is for superusers unless granted (system_views.sql, REVOKE ALL … FROM PUBLIC);
 *   none of our scripts grants it.
 * - read-file, stat-file, list-directory: the functions are revoked from PUBLIC (system_functions.sql; manual, "Generic
 *   File Access Functions"); paths below the data directory need no more than EXECUTE. EXCEPTION noinherit: it holds
 *   EXECUTE on the first two itself, and on the third through its group only, which does not count.
 * - …-outside: also pg_read_server_files (genfile.c, convert_and_check_filename). EXCEPTION noinherit as above.
 */
export const expectedFacts = `
  act                role       on      13                        14                        15                        16                        17                        18
  server-info        superuser  both    ok                        ok                        ok                        ok                        ok                        ok
  server-info        minimal    both    ok                        ok                        ok                        ok                        ok                        ok
  server-info        operate    both    ok                        ok                        ok                        ok                        ok                        ok
  server-info        noinherit  both    ok                        ok                        ok                        ok                        ok                        ok
  server-info        nobody     both    ok                        ok                        ok                        ok                        ok                        ok
  settings           superuser  both    ok                        ok                        ok                        ok                        ok                        ok
  settings           minimal    both    ok                        ok                        ok                        ok                        ok                        ok
  settings           operate    both    ok                        ok                        ok                        ok                        ok                        ok
  settings           noinherit  both    ok                        ok                        ok                        ok                        ok                        ok
  settings           nobody     both    ok                        ok                        ok                        ok                        ok                        ok
  archiver           superuser  both    ok                        ok                        ok                        ok                        ok                        ok
  archiver           minimal    both    ok                        ok                        ok                        ok                        ok                        ok
  archiver           operate    both    ok                        ok                        ok                        ok                        ok                        ok
  archiver           noinherit  both    ok                        ok                        ok                        ok                        ok                        ok
  archiver           nobody     both    ok                        ok                        ok                        ok                        ok                        ok
  slots              superuser  both    ok                        ok                        ok                        ok                        ok                        ok
  slots              minimal    both    ok                        ok                        ok                        ok                        ok                        ok
  slots              operate    both    ok                        ok                        ok                        ok                        ok                        ok
  slots              noinherit  both    ok                        ok                        ok                        ok                        ok                        ok
  slots              nobody     both    ok                        ok                        ok                        ok                        ok                        ok
  system-identifier  superuser  both    ok                        ok                        ok                        ok                        ok                        ok
  system-identifier  minimal    both    ok                        ok                        ok                        ok                        ok                        ok
  system-identifier  operate    both    ok                        ok                        ok                        ok                        ok                        ok
  system-identifier  noinherit  both    ok                        ok                        ok                        ok                        ok                        ok
  system-identifier  nobody     both    ok                        ok                        ok                        ok                        ok                        ok
  control-data       superuser  both    ok                        ok                        ok                        ok                        ok                        ok
  control-data       minimal    both    ok                        ok                        ok                        ok                        ok                        ok
  control-data       operate    both    ok                        ok                        ok                        ok                        ok                        ok
  control-data       noinherit  both    ok                        ok                        ok                        ok                        ok                        ok
  control-data       nobody     both    ok                        ok                        ok                        ok                        ok                        ok
  data-directory     superuser  both    ok                        ok                        ok                        ok                        ok                        ok
  data-directory     minimal    both    hidden                    hidden                    hidden                    hidden                    hidden                    hidden
  data-directory     operate    both    ok                        ok                        ok                        ok                        ok                        ok
  data-directory     noinherit  both    ok                        ok                        hidden                    hidden                    hidden                    hidden
  data-directory     nobody     both    hidden                    hidden                    hidden                    hidden                    hidden                    hidden
  replication        superuser  primary ok                        ok                        ok                        ok                        ok                        ok
  replication        minimal    primary hidden                    hidden                    hidden                    hidden                    hidden                    hidden
  replication        operate    primary ok                        ok                        ok                        ok                        ok                        ok
  replication        noinherit  primary ok                        ok                        hidden                    hidden                    hidden                    hidden
  replication        nobody     primary hidden                    hidden                    hidden                    hidden                    hidden                    hidden
  wal-receiver       superuser  standby ok                        ok                        ok                        ok                        ok                        ok
  wal-receiver       minimal    standby hidden                    hidden                    hidden                    hidden                    hidden                    hidden
  wal-receiver       operate    standby ok                        ok                        ok                        ok                        ok                        ok
  wal-receiver       noinherit  standby ok                        ok                        hidden                    hidden                    hidden                    hidden
  wal-receiver       nobody     standby hidden                    hidden                    hidden                    hidden                    hidden                    hidden
  configuration      superuser  both    ok                        ok                        ok                        ok                        ok                        ok
  configuration      minimal    both    privilege-missing         privilege-missing         privilege-missing         privilege-missing         privilege-missing         privilege-missing
  configuration      operate    both    privilege-missing         privilege-missing         privilege-missing         privilege-missing         privilege-missing         privilege-missing
  configuration      noinherit  both    privilege-missing         privilege-missing         privilege-missing         privilege-missing         privilege-missing         privilege-missing
  configuration      nobody     both    privilege-missing         privilege-missing         privilege-missing         privilege-missing         privilege-missing         privilege-missing
  read-file          superuser  both    ok                        ok                        ok                        ok                        ok                        ok
  read-file          minimal    both    privilege-missing         privilege-missing         privilege-missing         privilege-missing         privilege-missing         privilege-missing
  read-file          operate    both    ok                        ok                        ok                        ok                        ok                        ok
  read-file          noinherit  both    ok                        ok                        ok                        ok                        ok                        ok
  read-file          nobody     both    privilege-missing         privilege-missing         privilege-missing         privilege-missing         privilege-missing         privilege-missing
  read-file-outside  superuser  both    ok                        ok                        ok                        ok                        ok                        ok
  read-file-outside  minimal    both    privilege-missing         privilege-missing         privilege-missing         privilege-missing         privilege-missing         privilege-missing
  read-file-outside  operate    both    privilege-missing         privilege-missing         privilege-missing         privilege-missing         privilege-missing         privilege-missing
  read-file-outside  noinherit  both    ok                        ok                        privilege-missing         privilege-missing         privilege-missing         privilege-missing
  read-file-outside  nobody     both    privilege-missing         privilege-missing         privilege-missing         privilege-missing         privilege-missing         privilege-missing
  stat-file          superuser  both    ok                        ok                        ok                        ok                        ok                        ok
  stat-file          minimal    both    privilege-missing         privilege-missing         privilege-missing         privilege-missing         privilege-missing         privilege-missing
  stat-file          operate    both    ok                        ok                        ok                        ok                        ok                        ok
  stat-file          noinherit  both    ok                        ok                        ok                        ok                        ok                        ok
  stat-file          nobody     both    privilege-missing         privilege-missing         privilege-missing         privilege-missing         privilege-missing         privilege-missing
  stat-file-outside  superuser  both    ok                        ok                        ok                        ok                        ok                        ok
  stat-file-outside  minimal    both    privilege-missing         privilege-missing         privilege-missing         privilege-missing         privilege-missing         privilege-missing
  stat-file-outside  operate    both    privilege-missing         privilege-missing         privilege-missing         privilege-missing         privilege-missing         privilege-missing
  stat-file-outside  noinherit  both    ok                        ok                        privilege-missing         privilege-missing         privilege-missing         privilege-missing
  stat-file-outside  nobody     both    privilege-missing         privilege-missing         privilege-missing         privilege-missing         privilege-missing         privilege-missing
  list-directory     superuser  both    ok                        ok                        ok                        ok                        ok                        ok
  list-directory     minimal    both    privilege-missing         privilege-missing         privilege-missing         privilege-missing         privilege-missing         privilege-missing
  list-directory     operate    both    ok                        ok                        ok                        ok                        ok                        ok
  list-directory     noinherit  both    privilege-missing         privilege-missing         privilege-missing         privilege-missing         privilege-missing         privilege-missing
  list-directory     nobody     both    privilege-missing         privilege-missing         privilege-missing         privilege-missing         privilege-missing         privilege-missing
`;
