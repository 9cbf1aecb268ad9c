import type { PolicyRow } from "@tidemark/metadata";
import { checkPolicyTargets, checkRetentionPolicy, type PeriodRule, type RetentionPolicy } from "@tidemark/policy";
import { z } from "zod";
import type { Services } from "../services.ts";
import { changedTargets, completeRetention, EntityId, PolicyTargetsInput, RetentionInput } from "./inputs.ts";
import { notFound, parseInput } from "./parse-input.ts";
import { type Caller, perform } from "./perform.ts";

const PolicyName = z.string().trim().min(1, "a name is needed").max(100);

export const CreatePolicyInput = RetentionInput.extend({
  name: PolicyName,
  targets: PolicyTargetsInput.nullish(),
});

export function createPolicy(services: Services, caller: Caller, input: unknown) {
  const act = { name: "createPolicy", input: input as Record<string, unknown>, target: { kind: "policy", id: null } };
  return perform<{ policyId: string }>(services, caller, act, async (scope) => {
    const parsed = parseInput(CreatePolicyInput, input);
    const rules = completeRetention(parsed);
    checkRetentionPolicy(rules);
    const targets = changedTargets(null, parsed.targets);
    checkPolicyTargets(targets);
    const policy = await services.metadata.policies.create({ name: parsed.name, ...rules, ...targets });
    scope.target({ kind: "policy", id: policy.id });
    return { policyId: policy.id };
  });
}

export const UpdatePolicyInput = RetentionInput.extend({
  id: EntityId,
  name: PolicyName.nullish(),
  targets: PolicyTargetsInput.nullish(),
  expectedVersion: z.number().int().nullish(),
});

/** A rule that is null is taken away; one that is left out stays. */
export function updatePolicy(services: Services, caller: Caller, input: unknown) {
  const { id } = input as { id?: unknown };
  const target = { kind: "policy", id: typeof id === "string" ? id : null };
  const act = { name: "updatePolicy", input: input as Record<string, unknown>, target };
  return perform<{ policyId: string }>(services, caller, act, async () => {
    const parsed = parseInput(UpdatePolicyInput, input);
    const before = await services.metadata.policies.get(parsed.id);
    if (before === null) throw notFound("policy", parsed.id, "id");
    const rules = changedRules(before, parsed);
    checkRetentionPolicy(rules);
    const targets = changedTargets(before, parsed.targets);
    checkPolicyTargets(targets);
    const change = { ...rules, ...targets, ...(parsed.name == null ? {} : { name: parsed.name }) };
    await services.metadata.policies.update(parsed.id, change, parsed.expectedVersion ?? undefined);
    return { policyId: parsed.id };
  });
}

/** A text replaces all rules; of numbers only those that were given, null included, replace the old ones. */
function changedRules(before: PolicyRow, input: z.output<typeof UpdatePolicyInput>): RetentionPolicy {
  const rest = { timeZone: input.timeZone ?? before.timeZone, minimum: input.minimum ?? before.minimum };
  if (input.text != null) return { ...completeRetention(input), ...rest };
  const kept = (rule: "keepLast" | "windowDays" | PeriodRule) =>
    input[rule] === undefined ? before[rule] : input[rule];
  return {
    keepLast: kept("keepLast"),
    windowDays: kept("windowDays"),
    daily: kept("daily"),
    weekly: kept("weekly"),
    monthly: kept("monthly"),
    yearly: kept("yearly"),
    ...rest,
  };
}
