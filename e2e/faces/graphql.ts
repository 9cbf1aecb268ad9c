import { readFileSync } from "node:fs";
import { join } from "node:path";
import { waitFor } from "@tidemark/testkit";
import { shared } from "../product/shared.ts";

export interface GraphqlAnswer {
  readonly status: number;
  readonly data: Record<string, unknown> | null | undefined;
  readonly errors: readonly { readonly message: string; readonly extensions?: { readonly code?: string } }[];
}

/** The token of the machine's administrator, as the `tidemark` command finds it. */
export function adminToken(): string {
  return readFileSync(join(shared().home, "admin-token"), "utf8").trim();
}

/** Asks as a script does, with a token and nothing else. */
export async function ask(query: string, variables: object = {}, token = adminToken()): Promise<GraphqlAnswer> {
  const response = await fetch(`${shared().origin}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = (await response.json()) as Pick<GraphqlAnswer, "data"> & Partial<GraphqlAnswer>;
  return { status: response.status, data, errors: errors ?? [] };
}

/** The data of an answer that must be one. */
export async function data<T>(query: string, variables: object = {}, token?: string): Promise<T> {
  const answer = await ask(query, variables, token);
  if (answer.errors.length > 0 || answer.data == null) {
    throw new Error(`GraphQL answered ${answer.status} ${JSON.stringify(answer.errors)} to ${query}`);
  }
  return answer.data as T;
}

interface Started {
  readonly run: { readonly id: string } | null;
  readonly userErrors: readonly { readonly code: string; readonly message: string }[];
}

/** Calls a mutation that starts a run and gives the run's id. */
export async function startRun(mutation: string, input: object, token?: string): Promise<string> {
  const type = `${mutation[0]?.toUpperCase()}${mutation.slice(1)}Input!`;
  const { payload } = await data<{ payload: Started }>(
    `mutation ($input: ${type}) { payload: ${mutation}(input: $input) { run { id } userErrors { code message } } }`,
    { input },
    token,
  );
  if (payload.run === null) throw new Error(`${mutation} was refused: ${JSON.stringify(payload.userErrors)}`);
  return payload.run.id;
}

export interface FinishedRun {
  readonly id: string;
  readonly state: string;
  readonly backup: { readonly id: string } | null;
  readonly error: { readonly code: string; readonly message: string; readonly hint: string | null } | null;
  readonly restorePlan: { readonly planHash: string; readonly ok: boolean } | null;
}

/** Asks until the run has ended. */
export async function endOf(runId: string, token?: string): Promise<FinishedRun> {
  return await waitFor(
    async () => {
      const { run } = await data<{ run: FinishedRun & { readonly finishedAt: string | null } }>(
        "query ($id: ID!) { run(id: $id) { id state finishedAt backup { id } error { code message hint } restorePlan { planHash ok } } }",
        { id: runId },
        token,
      );
      return run.finishedAt !== null && run;
    },
    { what: `the end of run ${runId}`, timeoutMs: 90_000, everyMs: 200 },
  );
}

/** Starts a run by a mutation and waits for its success. */
export async function succeed(mutation: string, input: object, token?: string): Promise<FinishedRun> {
  const run = await endOf(await startRun(mutation, input, token), token);
  if (run.state !== "SUCCEEDED") throw new Error(`${mutation} ended as ${run.state}: ${JSON.stringify(run.error)}`);
  return run;
}

interface NamedServer {
  readonly id: string;
  readonly copyMaxRateKib: number | null;
}

export async function serverNamed(name: string): Promise<NamedServer> {
  const { server } = await data<{ server: NamedServer | null }>(
    "query ($name: String) { server(name: $name) { id copyMaxRateKib } }",
    { name },
  );
  if (server === null) throw new Error(`there is no server ${name}`);
  return server;
}
