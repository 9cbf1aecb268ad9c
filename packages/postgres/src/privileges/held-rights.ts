import { AppError } from "@tidemark/kit";
import type { Asker } from "../server/asker.ts";
import { excessPredefinedRoles, type Need, privilegedActs } from "./privileged-acts.ts";

/** What the server says the asking role holds. */
export interface HeldRights {
  readonly role: string;
  /** The role initdb made; it cannot lose SUPERUSER. */
  readonly isBootstrap: boolean;
  readonly isSuperuser: boolean;
  readonly hasReplication: boolean;
  readonly inherits: boolean;
  readonly mayCreateRoles: boolean;
  readonly mayCreateDatabases: boolean;
  readonly bypassesRowSecurity: boolean;
  readonly major: number;
  readonly inRecovery: boolean;
  readonly database: string;
  /** By signature: the functions it may call. */
  readonly functions: ReadonlySet<string>;
  readonly views: ReadonlySet<string>;
  /** Predefined roles it is a member of, inherited or not. */
  readonly memberOf: ReadonlySet<string>;
  /** Those whose privileges it has without SET ROLE. */
  readonly usageOf: ReadonlySet<string>;
  readonly excessMemberships: readonly ExcessMembership[];
}

/** A way by which a role got to a predefined role. */
export interface ExcessMembership {
  readonly predefined: string;
  /** What was granted to the role itself: the predefined role, or a group that leads to it. */
  readonly through: string;
  /** Who granted that; from 16 on only REVOKE … GRANTED BY takes it back. */
  readonly grantor: string | null;
}

/** Asks the server with its own functions; needs no privilege, and a function this major lacks is not an error. */
export async function readHeldRights(asker: Asker): Promise<HeldRights> {
  const [role] = await asker.query<RoleRow>(roleQuestion);
  if (role === undefined) throw new AppError("protocol-violation", { message: "the server does not know our role" });
  const needs = privilegedActs.flatMap((act) => act.needs(role.major));
  const names = (pick: (need: Need) => string | null): string[] => [
    ...new Set(needs.map(pick).filter((name) => name !== null)),
  ];
  const functions = await asker.query<NameRow>(functionQuestion, [
    names((need) => (need.kind === "execute" ? need.signature : null)),
  ]);
  const views = await asker.query<NameRow>(viewQuestion, [
    names((need) => (need.kind === "select" ? need.view : null)),
  ]);
  const memberships = await asker.query<MembershipRow>(membershipQuestion, [
    names((need) => (need.kind === "member" ? need.role : null)),
  ]);
  const excessMemberships = await asker.query<ExcessMembership>(excessQuestion, [Object.keys(excessPredefinedRoles)]);
  return {
    ...role,
    functions: new Set(functions.map(({ name }) => name)),
    views: new Set(views.map(({ name }) => name)),
    memberOf: new Set(memberships.filter(({ member }) => member).map(({ name }) => name)),
    usageOf: new Set(memberships.filter(({ usage }) => usage).map(({ name }) => name)),
    excessMemberships,
  };
}

type RoleRow = Pick<
  HeldRights,
  | "role"
  | "isBootstrap"
  | "isSuperuser"
  | "hasReplication"
  | "inherits"
  | "mayCreateRoles"
  | "mayCreateDatabases"
  | "bypassesRowSecurity"
  | "major"
  | "inRecovery"
  | "database"
>;

interface NameRow {
  readonly name: string;
}

interface MembershipRow extends NameRow {
  readonly member: boolean;
  readonly usage: boolean;
}

/** 10 is BOOTSTRAP_SUPERUSERID (pg_authid.dat). */
const roleQuestion = `
  SELECT rolname::text AS role, oid = 10 AS "isBootstrap", rolsuper AS "isSuperuser",
         rolreplication AS "hasReplication", rolinherit AS inherits, rolcreaterole AS "mayCreateRoles",
         rolcreatedb AS "mayCreateDatabases", rolbypassrls AS "bypassesRowSecurity",
         pg_catalog.current_setting('server_version_num')::int4 / 10000 AS major,
         pg_catalog.pg_is_in_recovery() AS "inRecovery", pg_catalog.current_database()::text AS database
    FROM pg_catalog.pg_roles
   WHERE rolname = current_user`;

/** to_regprocedure is null for what does not exist, and has_function_privilege null for null. */
const functionQuestion = `
  SELECT s.name
    FROM pg_catalog.unnest($1::text[]) AS s(name)
   WHERE pg_catalog.has_function_privilege(pg_catalog.to_regprocedure('pg_catalog.' || s.name), 'EXECUTE')`;

const viewQuestion = `
  SELECT s.name
    FROM pg_catalog.unnest($1::text[]) AS s(name)
   WHERE pg_catalog.has_table_privilege(pg_catalog.to_regclass('pg_catalog.' || s.name), 'SELECT')`;

const membershipQuestion = `
  SELECT rolname::text AS name, pg_catalog.pg_has_role(oid, 'MEMBER') AS member, pg_catalog.pg_has_role(oid, 'USAGE') AS usage
    FROM pg_catalog.pg_roles
   WHERE rolname = ANY ($1::text[])`;

/** Granted ones only: a superuser counts as a member of everything, which pg_has_role would report. */
const excessQuestion = `
  WITH RECURSIVE reached(granted, role) AS (
    SELECT m.roleid, m.roleid FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles r ON r.oid = m.member
     WHERE r.rolname = current_user
    UNION
    SELECT reached.granted, m.roleid FROM reached JOIN pg_catalog.pg_auth_members m ON m.member = reached.role)
  SELECT target.rolname::text AS predefined, direct.rolname::text AS through, giver.rolname::text AS grantor
    FROM reached
    JOIN pg_catalog.pg_roles target ON target.oid = reached.role
    JOIN pg_catalog.pg_roles direct ON direct.oid = reached.granted
    JOIN pg_catalog.pg_roles me ON me.rolname = current_user
    JOIN pg_catalog.pg_auth_members m ON m.member = me.oid AND m.roleid = reached.granted
    LEFT JOIN pg_catalog.pg_roles giver ON giver.oid = m.grantor
   WHERE target.rolname = ANY ($1::text[])
   ORDER BY 1, 2, 3`;
