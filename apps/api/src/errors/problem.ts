import { type AppError, maskSecrets } from "@tidemark/kit";
import { z } from "zod";
import { errorStatus } from "./error-status.ts";

/** RFC 9457 with our stable code. `type` is a name, not an address: nothing is fetched from it. */
export const Problem = z
  .object({
    type: z.string().describe("urn:tidemark:problem:<code>"),
    title: z.string().describe("What failed, in one sentence."),
    status: z.number().int(),
    code: z.string().describe("The stable code; scripts match on it."),
    detail: z.string().describe("What failed, on what, and why."),
    hint: z.string().nullable().describe("What can be done next."),
    field: z.string().nullable().describe("The part of the request that is meant."),
  })
  .meta({ id: "Problem", description: "An error (RFC 9457, application/problem+json)." });
export type Problem = z.infer<typeof Problem>;

export const problemMediaType = "application/problem+json";

export function toProblem(error: AppError): Problem {
  const { field } = error.context;
  return {
    type: `urn:tidemark:problem:${error.code}`,
    title: titleOf(error.code),
    status: errorStatus(error),
    code: error.code,
    detail: maskSecrets(error.message),
    hint: error.hint ?? null,
    field: typeof field === "string" ? field : null,
  };
}

/** The code in words: titles may not change from one occurrence to the next (RFC 9457 §3.1.4). */
function titleOf(code: string): string {
  const words = code.replaceAll("-", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}
