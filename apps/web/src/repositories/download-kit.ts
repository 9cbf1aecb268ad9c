import { RequestError, readRestProblem, unreachable } from "#lib/problem.ts";

/**
 * Fetches the kit of a finished run, once, and hands it to the browser as a file. The token goes in a header: an address
 * is written to logs and histories, and whoever has the token and the run can open the kit.
 */
export async function downloadKit(
  repository: { readonly id: string; readonly name: string },
  order: { readonly runId: string; readonly token: string },
): Promise<void> {
  const path = `/api/v1/repositories/${encodeURIComponent(repository.id)}/recovery-kit?run=${encodeURIComponent(order.runId)}`;
  const response = await fetch(path, { headers: { "x-download-token": order.token } }).catch(() => {
    throw new RequestError(unreachable("The api does not answer."));
  });
  if (!response.ok) throw new RequestError(await readRestProblem(response));
  const file = URL.createObjectURL(await response.blob());
  const link = document.createElement("a");
  link.href = file;
  link.download = fileName(response.headers.get("content-disposition")) ?? `${repository.name}-recovery-kit.txt`;
  link.click();
  URL.revokeObjectURL(file);
}

function fileName(disposition: string | null): string | null {
  return /filename="?([^";]+)"?/.exec(disposition ?? "")?.[1] ?? null;
}
