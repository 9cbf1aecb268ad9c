import { AppError } from "@tidemark/kit";
import { z } from "zod";
import type { ApiClient } from "./api-client.ts";

/** The id of the server with a name (or of an id as it is). */
export async function findServerId(api: ApiClient, nameOrId: string): Promise<string> {
  const byId = nameOrId.startsWith("srv_");
  const answer = await api.query(
    z.object({ server: z.object({ id: z.string() }).nullable() }),
    `query ($id: ID, $name: String) { server(id: $id, name: $name) { id } }`,
    byId ? { id: nameOrId } : { name: nameOrId },
  );
  if (answer.server === null) {
    throw new AppError("not-found", {
      message: `there is no server ${nameOrId}`,
      hint: "`tidemark server list` shows the names",
    });
  }
  return answer.server.id;
}

const Page = <T extends z.ZodType>(node: T) =>
  z.object({
    nodes: z.array(node),
    pageInfo: z.object({ hasNextPage: z.boolean(), endCursor: z.string().nullable() }),
  });

/** Every node of a connection, page after page; `document` takes `$first` and `$after` and selects it as `list`. */
export async function fetchAll<T>(
  api: ApiClient,
  node: z.ZodType<T>,
  document: string,
  variables: Readonly<Record<string, unknown>> = {},
  limit = Number.POSITIVE_INFINITY,
): Promise<readonly T[]> {
  const nodes: T[] = [];
  let after: string | null = null;
  do {
    const first = Math.min(100, limit - nodes.length);
    const { list }: { list: z.infer<ReturnType<typeof Page<z.ZodType<T>>>> } = await api.query(
      z.object({ list: Page(node) }),
      document,
      { ...variables, first, after },
    );
    nodes.push(...list.nodes);
    after = list.pageInfo.hasNextPage ? list.pageInfo.endCursor : null;
  } while (after !== null && nodes.length < limit);
  return nodes;
}

export const pageFields = "pageInfo { hasNextPage endCursor }";
