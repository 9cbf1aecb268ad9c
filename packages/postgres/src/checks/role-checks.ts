import { mayReadFiles } from "../privileges/may-read-files.ts";
import { grantableActs } from "../privileges/privileged-acts.ts";
import { durationText } from "./amounts.ts";
import { check, found, ok, unlessFilesAreRead } from "./check.ts";

const onPrimary = { advice: "run it on the primary: a standby changes no roles" } as const;

const replicationRight = check({
  id: "replication-right",
  title: "The role may take backups",
  problem: "The role may not take backups",
  severity: "blocks-backup",
  read: "rolsuper and rolreplication in pg_roles",
  required: "REPLICATION",
  why: "the server streams base backups and WAL to roles with this attribute only; membership does not pass it on",
  parts: [],
  judge({ server: { asking, roleSql, inRecovery } }, context) {
    if (asking.hasReplication) return ok("the role has REPLICATION");
    if (asking.isSuperuser) return ok("the role is a superuser");
    return found(
      "the role has no REPLICATION",
      { sql: `ALTER ROLE ${roleSql} REPLICATION;`, ...(inRecovery ? onPrimary : {}) },
      unlessFilesAreRead(context),
    );
  },
});

const monitoringPrivileges = check({
  id: "monitoring-privileges",
  title: "The role may read settings and statistics",
  problem: "The role may not read settings and statistics",
  severity: "note",
  read: "membership in pg_read_all_settings and pg_read_all_stats",
  required: "both (pg_monitor contains them)",
  why: "without them some of these checks cannot be asked, and who streams from the server is hidden",
  parts: [],
  judge({ server: { asking, roleSql, inRecovery } }) {
    const missing = [
      ...(asking.readsAllSettings ? [] : ["pg_read_all_settings"]),
      ...(asking.readsAllStats ? [] : ["pg_read_all_stats"]),
    ];
    if (missing.length === 0) return ok("the role reads all settings and statistics");
    return found(`the role lacks ${missing.join(" and ")}`, {
      sql: missing.map((name) => `GRANT ${name} TO ${roleSql};`).join("\n"),
      ...(inRecovery ? onPrimary : {}),
    });
  },
});

const operatePrivileges = check({
  id: "operate-privileges",
  title: "The role may switch WAL, set restore points and back up by reading files",
  problem: "The role may not switch WAL, set restore points or back up by reading files",
  severity: "note",
  read: "has_function_privilege and pg_has_role for each act",
  required: "every act that can be granted on this major",
  why: "backups work without; a WAL switch, a checkpoint, a restore point or a low-level backup on demand does not",
  parts: ["privileges"],
  judge({ privileges, server }, { known }) {
    const wanted = new Set(grantableActs("operate", server.major).map(({ id }) => id));
    const missing = privileges.acts.filter(({ act, state }) => wanted.has(act) && state === "missing");
    if (missing.length === 0) return ok("the role may do all of it");
    const sql = new Set(missing.flatMap(({ remedySql }) => remedySql?.split("\n") ?? []));
    const told = missing.map(({ title }) => title).join(", ");
    const needsThem = known.readsFiles === true && !mayReadFiles(privileges);
    return found(
      `the role may not ${told}`,
      { sql: [...sql].join("\n"), ...(server.inRecovery ? onPrimary : {}) },
      needsThem ? { severity: "blocks-backup", why: "backups of this server are taken by reading its files" } : {},
    );
  },
});

const excessPrivileges = check({
  id: "excess-privileges",
  title: "The role has no rights a backup does not need",
  problem: "The role has rights a backup does not need",
  severity: "risk",
  read: "attributes in pg_roles and memberships",
  required: "nothing beyond reading, REPLICATION and the backup functions",
  why: "the role's password is kept by Tidemark: whoever gets at it gets what the role may do",
  parts: ["privileges"],
  judge({ privileges, server }) {
    const { excess } = privileges;
    if (excess.length === 0) return ok("nothing beyond");
    return found(excess.map(({ what, why }) => `${what}: ${why}`).join("; "), {
      sql: excess.map(({ remedySql }) => remedySql).join("\n"),
      ...(server.inRecovery ? onPrimary : {}),
    });
  },
});

const roleConnectionLimit = check({
  id: "role-connection-limit",
  title: "The role may have enough sessions",
  problem: "The role may have too few sessions",
  severity: "risk",
  read: "rolconnlimit in pg_roles",
  required: "no limit, or 8 and more",
  why: "a backup has up to three sessions at once, one that reads files up to sixteen, and a look at the server one more",
  parts: ["role"],
  judge({ role, server }) {
    const limit = role.connectionLimit;
    if (limit === null) return ok("no limit");
    if (limit >= 8) return ok(`${limit} sessions`);
    return found(`${limit} sessions`, {
      sql: `ALTER ROLE ${server.roleSql} CONNECTION LIMIT -1;`,
      ...(server.inRecovery ? onPrimary : {}),
    });
  },
});

const roleExpires = check({
  id: "role-expires",
  title: "The role's password stays good",
  problem: "The role's password expires",
  severity: "risk",
  read: "rolvaliduntil in pg_roles",
  required: "no end within 30 days",
  why: "after it every login fails, and with it backups and WAL",
  parts: ["role"],
  judge({ role, server }, { clock }) {
    const { validUntil } = role;
    if (validUntil === null) return ok("it does not end");
    const leftMs = validUntil.getTime() - clock.now().getTime();
    const until = validUntil.toISOString();
    if (leftMs >= warnMs) return ok(`until ${until}`);
    return found(`it ends ${until}${leftMs > 0 ? `, in ${durationText(leftMs)}` : ""}`, {
      sql: `ALTER ROLE ${server.roleSql} VALID UNTIL 'infinity';`,
      advice: server.inRecovery ? onPrimary.advice : "or give it a later date with a new password",
    });
  },
});

const warnMs = 30 * 86_400_000;

export const roleChecks = [
  replicationRight,
  monitoringPrivileges,
  operatePrivileges,
  excessPrivileges,
  roleConnectionLimit,
  roleExpires,
];
