import type { InputRef, ObjectRef } from "@pothos/core";
import type { Services } from "../../services.ts";
import type { ActOutcome, Caller } from "../../use-cases/perform.ts";
import { builder, type Types } from "../builder.ts";
import { createContext, requirePrincipal } from "../context.ts";
import { type Answer, type Payload, toPayload } from "./payloads.ts";

type UseCase = (services: Services, caller: Caller, input: unknown) => Promise<ActOutcome<Answer>>;

/** Input in, payload out: what an act means is in the use case, which REST shares. */
export function mutation(
  name: string,
  description: string,
  input: InputRef<object>,
  payload: ObjectRef<Types, Payload>,
  useCase: UseCase,
): void {
  builder.mutationField(name, (t) =>
    t.field({
      type: payload,
      description,
      args: { input: t.arg({ type: input, required: true, description: "What is asked." }) },
      complexity: 100,
      resolve: async (_root, args, context) => {
        const { idempotencyKey, ...asked } = args.input as Record<string, unknown> & { idempotencyKey?: string | null };
        const caller = { principal: requirePrincipal(context), idempotencyKey };
        const outcome = await useCase(context.services, caller, asked);
        context.loaders = createContext(context.services, context.principal, context.signal).loaders;
        return toPayload(outcome);
      },
    }),
  );
}
