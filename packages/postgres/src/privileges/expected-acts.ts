/**
 * Acts: what each role may do on 13 … 18. Written from the manual and the source; `expected-results.ts` says how to read
 * it.
 *
 * - replicate, create-slot, drop-slot: the attribute REPLICATION or superuser (manual, "Role Attributes"; postinit.c,
 *   InitPostgres; slotfuncs.c, check_permissions; slot.c, CheckSlotPermissions from 16). Attributes are never inherited,
 *   so noinherit has none although its group does (manual, "Role Membership"). Physical slots can be made on a standby.
 * - start-backup, stop-backup: EXECUTE, revoked from PUBLIC (manual, "Backup Control Functions"; system_functions.sql).
 *   On a standby too (manual, "Making a Non-Exclusive Low-Level Backup").
 * - exclusive-backup: went with 15 (release notes of 15, migration); never on a standby (manual of 14, "Making an
 *   Exclusive Low-Level Backup").
 * - switch-wal, restore-point: EXECUTE, revoked from PUBLIC; not during recovery (manual, "Backup Control Functions").
 *   EXCEPTION: EXECUTE is checked before the function runs (execExpr.c), so who lacks it hears of that first; a restore
 *   point is refused by us beforehand, since its two refusals have one SQLSTATE.
 * - checkpoint: superusers on 13 and 14 (manual of 14, CHECKPOINT); pg_checkpoint from 15 on (manual of 15, CHECKPOINT;
 *   utility.c, has_privs_of_role). On a standby it makes a restartpoint.
 * - end-session: of another role, not a superuser: pg_signal_backend (manual, "Server Signaling Functions"). EXCEPTION
 *   noinherit: signalfuncs.c asks has_privs_of_role on 13 and 14 already, so membership alone never was enough.
 */
export const expectedActs = `
  act                role       on      13                        14                        15                        16                        17                        18
  replicate          superuser  both    ok                        ok                        ok                        ok                        ok                        ok
  replicate          minimal    both    ok                        ok                        ok                        ok                        ok                        ok
  replicate          operate    both    ok                        ok                        ok                        ok                        ok                        ok
  replicate          noinherit  both    replication-not-permitted replication-not-permitted replication-not-permitted replication-not-permitted replication-not-permitted replication-not-permitted
  replicate          nobody     both    replication-not-permitted replication-not-permitted replication-not-permitted replication-not-permitted replication-not-permitted replication-not-permitted
  create-slot        superuser  both    ok                        ok                        ok                        ok                        ok                        ok
  create-slot        minimal    both    ok                        ok                        ok                        ok                        ok                        ok
  create-slot        operate    both    ok                        ok                        ok                        ok                        ok                        ok
  create-slot        noinherit  both    replication-not-permitted replication-not-permitted replication-not-permitted replication-not-permitted replication-not-permitted replication-not-permitted
  create-slot        nobody     both    replication-not-permitted replication-not-permitted replication-not-permitted replication-not-permitted replication-not-permitted replication-not-permitted
  drop-slot          superuser  both    ok                        ok                        ok                        ok                        ok                        ok
  drop-slot          minimal    both    ok                        ok                        ok                        ok                        ok                        ok
  drop-slot          operate    both    ok                        ok                        ok                        ok                        ok                        ok
  drop-slot          noinherit  both    replication-not-permitted replication-not-permitted replication-not-permitted replication-not-permitted replication-not-permitted replication-not-permitted
  drop-slot          nobody     both    replication-not-permitted replication-not-permitted replication-not-permitted replication-not-permitted replication-not-permitted replication-not-permitted
  start-backup       superuser  both    ok                        ok                        ok                        ok                        ok                        ok
  start-backup       minimal    both    privilege-missing         privilege-missing         privilege-missing         privilege-missing         privilege-missing         privilege-missing
  start-backup       operate    both    ok                        ok                        ok                        ok                        ok                        ok
  start-backup       noinherit  both    privilege-missing         privilege-missing         privilege-missing         privilege-missing         privilege-missing         privilege-missing
  start-backup       nobody     both    privilege-missing         privilege-missing         privilege-missing         privilege-missing         privilege-missing         privilege-missing
  stop-backup        superuser  both    ok                        ok                        ok                        ok                        ok                        ok
  stop-backup        minimal    both    privilege-missing         privilege-missing         privilege-missing         privilege-missing         privilege-missing         privilege-missing
  stop-backup        operate    both    ok                        ok                        ok                        ok                        ok                        ok
  stop-backup        noinherit  both    privilege-missing         privilege-missing         privilege-missing         privilege-missing         privilege-missing         privilege-missing
  stop-backup        nobody     both    privilege-missing         privilege-missing         privilege-missing         privilege-missing         privilege-missing         privilege-missing
  exclusive-backup   superuser  primary ok                        ok                        n/a:version-unsupported   n/a:version-unsupported   n/a:version-unsupported   n/a:version-unsupported
  exclusive-backup   minimal    primary privilege-missing         privilege-missing         n/a:version-unsupported   n/a:version-unsupported   n/a:version-unsupported   n/a:version-unsupported
  exclusive-backup   operate    primary ok                        ok                        n/a:version-unsupported   n/a:version-unsupported   n/a:version-unsupported   n/a:version-unsupported
  exclusive-backup   noinherit  primary privilege-missing         privilege-missing         n/a:version-unsupported   n/a:version-unsupported   n/a:version-unsupported   n/a:version-unsupported
  exclusive-backup   nobody     primary privilege-missing         privilege-missing         n/a:version-unsupported   n/a:version-unsupported   n/a:version-unsupported   n/a:version-unsupported
  exclusive-backup   superuser  standby n/a:server-in-recovery    n/a:server-in-recovery    n/a:version-unsupported   n/a:version-unsupported   n/a:version-unsupported   n/a:version-unsupported
  exclusive-backup   minimal    standby n/a:server-in-recovery    n/a:server-in-recovery    n/a:version-unsupported   n/a:version-unsupported   n/a:version-unsupported   n/a:version-unsupported
  exclusive-backup   operate    standby n/a:server-in-recovery    n/a:server-in-recovery    n/a:version-unsupported   n/a:version-unsupported   n/a:version-unsupported   n/a:version-unsupported
  exclusive-backup   noinherit  standby n/a:server-in-recovery    n/a:server-in-recovery    n/a:version-unsupported   n/a:version-unsupported   n/a:version-unsupported   n/a:version-unsupported
  exclusive-backup   nobody     standby n/a:server-in-recovery    n/a:server-in-recovery    n/a:version-unsupported   n/a:version-unsupported   n/a:version-unsupported   n/a:version-unsupported
  switch-wal         superuser  primary ok                        ok                        ok                        ok                        ok                        ok
  switch-wal         minimal    primary privilege-missing         privilege-missing         privilege-missing         privilege-missing         privilege-missing         privilege-missing
  switch-wal         operate    primary ok                        ok                        ok                        ok                        ok                        ok
  switch-wal         noinherit  primary privilege-missing         privilege-missing         privilege-missing         privilege-missing         privilege-missing         privilege-missing
  switch-wal         nobody     primary privilege-missing         privilege-missing         privilege-missing         privilege-missing         privilege-missing         privilege-missing
  switch-wal         superuser  standby n/a:server-in-recovery    n/a:server-in-recovery    n/a:server-in-recovery    n/a:server-in-recovery    n/a:server-in-recovery    n/a:server-in-recovery
  switch-wal         minimal    standby n/a:privilege-missing     n/a:privilege-missing     n/a:privilege-missing     n/a:privilege-missing     n/a:privilege-missing     n/a:privilege-missing
  switch-wal         operate    standby n/a:server-in-recovery    n/a:server-in-recovery    n/a:server-in-recovery    n/a:server-in-recovery    n/a:server-in-recovery    n/a:server-in-recovery
  switch-wal         noinherit  standby n/a:privilege-missing     n/a:privilege-missing     n/a:privilege-missing     n/a:privilege-missing     n/a:privilege-missing     n/a:privilege-missing
  switch-wal         nobody     standby n/a:privilege-missing     n/a:privilege-missing     n/a:privilege-missing     n/a:privilege-missing     n/a:privilege-missing     n/a:privilege-missing
  restore-point      superuser  primary ok                        ok                        ok                        ok                        ok                        ok
  restore-point      minimal    primary privilege-missing         privilege-missing         privilege-missing         privilege-missing         privilege-missing         privilege-missing
  restore-point      operate    primary ok                        ok                        ok                        ok                        ok                        ok
  restore-point      noinherit  primary privilege-missing         privilege-missing         privilege-missing         privilege-missing         privilege-missing         privilege-missing
  restore-point      nobody     primary privilege-missing         privilege-missing         privilege-missing         privilege-missing         privilege-missing         privilege-missing
  restore-point      superuser  standby n/a:server-in-recovery    n/a:server-in-recovery    n/a:server-in-recovery    n/a:server-in-recovery    n/a:server-in-recovery    n/a:server-in-recovery
  restore-point      minimal    standby n/a:server-in-recovery    n/a:server-in-recovery    n/a:server-in-recovery    n/a:server-in-recovery    n/a:server-in-recovery    n/a:server-in-recovery
  restore-point      operate    standby n/a:server-in-recovery    n/a:server-in-recovery    n/a:server-in-recovery    n/a:server-in-recovery    n/a:server-in-recovery    n/a:server-in-recovery
  restore-point      noinherit  standby n/a:server-in-recovery    n/a:server-in-recovery    n/a:server-in-recovery    n/a:server-in-recovery    n/a:server-in-recovery    n/a:server-in-recovery
  restore-point      nobody     standby n/a:server-in-recovery    n/a:server-in-recovery    n/a:server-in-recovery    n/a:server-in-recovery    n/a:server-in-recovery    n/a:server-in-recovery
  checkpoint         superuser  both    ok                        ok                        ok                        ok                        ok                        ok
  checkpoint         minimal    both    privilege-missing         privilege-missing         privilege-missing         privilege-missing         privilege-missing         privilege-missing
  checkpoint         operate    both    privilege-missing         privilege-missing         ok                        ok                        ok                        ok
  checkpoint         noinherit  both    privilege-missing         privilege-missing         privilege-missing         privilege-missing         privilege-missing         privilege-missing
  checkpoint         nobody     both    privilege-missing         privilege-missing         privilege-missing         privilege-missing         privilege-missing         privilege-missing
  end-session        superuser  both    ok                        ok                        ok                        ok                        ok                        ok
  end-session        minimal    both    privilege-missing         privilege-missing         privilege-missing         privilege-missing         privilege-missing         privilege-missing
  end-session        operate    both    privilege-missing         privilege-missing         privilege-missing         privilege-missing         privilege-missing         privilege-missing
  end-session        noinherit  both    privilege-missing         privilege-missing         privilege-missing         privilege-missing         privilege-missing         privilege-missing
  end-session        nobody     both    privilege-missing         privilege-missing         privilege-missing         privilege-missing         privilege-missing         privilege-missing
`;
