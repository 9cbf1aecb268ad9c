import { AppError, isErrorCode } from "@tidemark/kit";
import { z } from "zod";
import { refuseUserErrors, UserError, userErrorFields } from "./api-client.ts";
import type { Session } from "./context.ts";
import { followRun, RunFacts, runFields, throwUnlessSucceeded } from "./follow-run.ts";

/** Asks for a run and follows it to its end, quietly; a run that failed is answered, a refusal is thrown. */
export async function runToEnd(session: Session, mutation: string, input: object): Promise<RunFacts> {
  const inputType = `${mutation.charAt(0).toUpperCase()}${mutation.slice(1)}Input`;
  const { payload } = await session.api.query(
    z.object({ payload: z.object({ run: RunFacts.nullable(), userErrors: z.array(UserError) }) }),
    `mutation ($input: ${inputType}!) { payload: ${mutation}(input: $input) { run { ${runFields} } ${userErrorFields} } }`,
    { input },
  );
  refuseUserErrors(payload.userErrors);
  if (payload.run === null) throw new AppError("internal", { message: `${mutation} answered with no run` });
  return await followRun(session.api, payload.run.id, { onEvent: () => undefined, note: session.output.note });
}

/** Does an act at a server and answers what came of it; throws why when it failed. */
export async function serverAct<T>(
  session: Session,
  mutation: string,
  input: object,
  result: z.ZodType<T>,
): Promise<T> {
  const run = await runToEnd(session, mutation, input);
  requireActDone(run);
  return parseResult(result, run.result);
}

/** As `throwUnlessSucceeded`, in fewer words: who waits for an act knows which it was. */
export function requireActDone(run: RunFacts): void {
  const { error } = run;
  if (run.state !== "FAILED" || error === null || !isErrorCode(error.code)) {
    throwUnlessSucceeded(run);
    return;
  }
  const server = run.server?.name ?? "SERVER";
  const hint =
    error.code === "privilege-missing"
      ? `\`tidemark server privileges ${server}\` prints the SQL that grants it`
      : (error.hint ?? undefined);
  throw new AppError(error.code, { message: error.message, hint });
}

/** Throws `internal` for what a worker of another version left. */
export function parseResult<T>(shape: z.ZodType<T>, result: unknown): T {
  const parsed = shape.safeParse(result);
  if (parsed.success) return parsed.data;
  throw new AppError("internal", {
    message: "the result has not the shape this command knows",
    hint: "the command and the worker may be of different versions",
    cause: parsed.error,
  });
}
