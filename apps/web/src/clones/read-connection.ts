import { RequestError, readRestProblem, unreachable } from "#lib/problem.ts";

/**
 * The connection string a finished run brought. The token goes in a header: an address is written to logs and histories,
 * and whoever has the token and the run can read it.
 */
export async function readConnection(cloneId: string, runId: string, token: string): Promise<string> {
  const path = `/api/v1/clones/${encodeURIComponent(cloneId)}/connection?run=${encodeURIComponent(runId)}`;
  const response = await fetch(path, { headers: { "x-download-token": token } }).catch(() => {
    throw new RequestError(unreachable("The api does not answer."));
  });
  if (!response.ok) throw new RequestError(await readRestProblem(response));
  return (await response.text()).trim();
}
