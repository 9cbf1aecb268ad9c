import { z } from "zod";
import { makeTokenText } from "../auth/api-token.ts";
import type { Services } from "../services.ts";
import { EntityId } from "./inputs.ts";
import { notFound, parseInput } from "./parse-input.ts";
import { type ActOutcome, type Caller, perform } from "./perform.ts";

export const CreateApiTokenInput = z.object({
  name: z.string().trim().min(1, "a name is needed").max(100),
  access: z.enum(["read-only", "full"]),
  expiresInDays: z.number().int().min(1).max(3_650).nullish().describe("Never expires when left out."),
});

/** The secret is answered this once and only its hash is kept. */
export async function createApiToken(
  services: Services,
  caller: Caller,
  input: unknown,
): Promise<ActOutcome<{ tokenId: string; secret: string }>> {
  const act = { name: "createApiToken", input: input as Record<string, unknown>, target: { kind: "token", id: null } };
  return perform(services, caller, act, async (scope) => {
    const parsed = parseInput(CreateApiTokenInput, input);
    const made = makeTokenText();
    const token = await services.metadata.tokens.create({
      name: parsed.name,
      prefix: made.prefix,
      hash: made.hash,
      access: parsed.access,
      createdBy: scope.principal.actor,
      expiresAt:
        parsed.expiresInDays == null
          ? null
          : new Date(services.clock.now().getTime() + parsed.expiresInDays * 86_400_000),
    });
    scope.target({ kind: "token", id: token.id });
    return { tokenId: token.id, secret: made.text };
  });
}

export const RevokeApiTokenInput = z.object({ id: EntityId });

export function revokeApiToken(services: Services, caller: Caller, input: unknown) {
  const { id } = input as { id?: unknown };
  const target = { kind: "token", id: typeof id === "string" ? id : null };
  const act = { name: "revokeApiToken", input: input as Record<string, unknown>, target };
  return perform<{ tokenId: string }>(services, caller, act, async () => {
    const parsed = parseInput(RevokeApiTokenInput, input);
    if ((await services.metadata.tokens.get(parsed.id)) === null) throw notFound("token", parsed.id, "id");
    await services.metadata.tokens.revoke(parsed.id);
    return { tokenId: parsed.id };
  });
}
