import { newId } from "@tidemark/kit";
import { isUniqueViolation, nameTaken, notFound, versionConflict } from "./database-error.ts";
import type { Prisma, PrismaClient } from "./generated/client.ts";
import { type Page, type PageRequest, readPage } from "./page.ts";

/** A policy's rules; what they mean is policy's (`RetentionPolicy`). */
export interface PolicyRules {
  readonly keepLast: number | null;
  readonly windowDays: number | null;
  readonly daily: number | null;
  readonly weekly: number | null;
  readonly monthly: number | null;
  readonly yearly: number | null;
  readonly timeZone: string;
  readonly minimum: number;
}

/** What is promised beside retention; null: packages/policy's usual, or (a restore's time) nothing. */
export interface PolicyTargets {
  /** Seconds of commits that may be lost at most. */
  readonly rpoTargetSeconds: number | null;
  /** Seconds a restore may take at most. */
  readonly rtoTargetSeconds: number | null;
  /** Days for which a proof by a drill counts. */
  readonly proofDays: number | null;
  /** Days within which everything that is stored is verified by itself; null: never by itself. */
  readonly verifyDays: number | null;
}

export interface PolicyRow extends PolicyRules, PolicyTargets {
  readonly id: string;
  readonly name: string;
  readonly version: number;
  readonly createdAt: Date;
}

/** Rules that are left out are not set; the minimum is 1 then, the zone UTC. */
export interface NewPolicy extends Partial<PolicyRules>, Partial<PolicyTargets> {
  readonly id?: string;
  readonly name: string;
}

export interface PolicyStore {
  /** Throws `name-taken`. Check with policy's `checkRetentionPolicy` first. */
  create(policy: NewPolicy): Promise<PolicyRow>;
  get(id: string): Promise<PolicyRow | null>;
  getMany(ids: readonly string[]): Promise<readonly PolicyRow[]>;
  findByName(name: string): Promise<PolicyRow | null>;
  /** By name. */
  list(page: PageRequest): Promise<Page<PolicyRow>>;
  /** Throws `version-conflict`, `name-taken`, `not-found`. */
  update(id: string, change: Partial<Omit<NewPolicy, "id">>, expectedVersion?: number): Promise<PolicyRow>;
}

const policyColumns = {
  id: true,
  name: true,
  keepLast: true,
  windowDays: true,
  daily: true,
  weekly: true,
  monthly: true,
  yearly: true,
  timeZone: true,
  minimum: true,
  rpoTargetSeconds: true,
  rtoTargetSeconds: true,
  proofDays: true,
  verifyDays: true,
  version: true,
  createdAt: true,
} satisfies Prisma.PolicySelect;

export function createPolicyStore(prisma: PrismaClient): PolicyStore {
  return {
    create: (policy) => refuseTakenName(policy.name, () => insertPolicy(prisma, policy)),
    get: (id) => prisma.policy.findUnique({ where: { id }, select: policyColumns }),
    getMany: (ids) => prisma.policy.findMany({ where: { id: { in: [...ids] } }, select: policyColumns }),
    findByName: (name) => prisma.policy.findUnique({ where: { name }, select: policyColumns }),
    list: (page) =>
      readPage(
        page,
        {
          count: () => prisma.policy.count(),
          find: (window) => prisma.policy.findMany({ ...window, orderBy: { name: "asc" }, select: policyColumns }),
        },
        (row) => row,
      ),
    update: async (id, change, expectedVersion) => {
      const changed = await refuseTakenName(change.name ?? "", () =>
        prisma.policy.updateManyAndReturn({
          where: { id, ...(expectedVersion === undefined ? {} : { version: expectedVersion }) },
          data: { ...change, version: { increment: 1 } },
          select: policyColumns,
        }),
      );
      if (changed[0] !== undefined) return changed[0];
      const exists = await prisma.policy.findUnique({ where: { id }, select: { id: true } });
      throw exists === null ? notFound("policy", id) : versionConflict("policy", id);
    },
  };
}

/** Also used where a server is registered with a policy of its own. */
export function insertPolicy(tx: Prisma.TransactionClient, policy: NewPolicy): Promise<PolicyRow> {
  return tx.policy.create({
    data: { ...policy, id: policy.id ?? newId("policy") },
    select: policyColumns,
  });
}

async function refuseTakenName<T>(name: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw isUniqueViolation(error) ? nameTaken("policy", name, error) : error;
  }
}
