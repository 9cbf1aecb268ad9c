import type { PolicyRow, Server } from "@tidemark/metadata";
import { checkPolicyTargets, checkRetentionPolicy } from "@tidemark/policy";
import type { z } from "zod";
import type { Services } from "../services.ts";
import { changedTargets, completeRetention, type PolicyTargetsInput, type RetentionInput } from "./inputs.ts";
import { notFound } from "./parse-input.ts";

export interface PolicyChange {
  readonly retention?: z.output<typeof RetentionInput> | null | undefined;
  readonly targets?: z.output<typeof PolicyTargetsInput> | null | undefined;
}

/**
 * Changes a server's policy: its rules, its targets, or both. A policy others use too is left alone: the server gets one
 * of its own instead, which begins with what the shared one says. Gives the policy's id. Throws `policy-invalid`.
 */
export async function changeOwnPolicy(services: Services, server: Server, change: PolicyChange): Promise<string> {
  const { policies, servers } = services.metadata;
  const before = await policies.get(server.policyId);
  if (before === null) throw notFound("policy", server.policyId);
  const rules = change.retention == null ? rulesOf(before) : completeRetention(change.retention);
  checkRetentionPolicy(rules);
  const targets = changedTargets(before, change.targets);
  checkPolicyTargets(targets);
  const changed = { ...rules, ...targets };
  const sharing = (await servers.all()).filter((other) => other.policyId === server.policyId);
  if (sharing.every((other) => other.id === server.id)) return (await policies.update(server.policyId, changed)).id;
  const wanted = `${server.name} retention`;
  const name = (await policies.findByName(wanted)) === null ? wanted : `${wanted} (${server.id})`;
  const left = await policies.findByName(name);
  return left === null
    ? (await policies.create({ name, ...changed })).id
    : (await policies.update(left.id, changed)).id;
}

function rulesOf({ keepLast, windowDays, daily, weekly, monthly, yearly, timeZone, minimum }: PolicyRow) {
  return { keepLast, windowDays, daily, weekly, monthly, yearly, timeZone, minimum };
}
