import { idKind } from "@tidemark/kit";
import type { GraphqlContext } from "../context.ts";
import { NodeRef } from "../refs.ts";

/** The id's prefix names the type. */
const typeNames = {
  server: "Server",
  repository: "Repository",
  policy: "Policy",
  schedule: "Schedule",
  backup: "Backup",
  clone: "Clone",
  run: "Run",
  finding: "Finding",
  token: "ApiToken",
  audit: "AuditEvent",
} as const;

NodeRef.implement({
  description: "Anything with an id. Ids say what they name (`srv_…`, `bak_…`) and are the same in every surface.",
  resolveType: (value) => nodeTypeName(value.id),
  fields: (t) => ({ id: t.exposeID("id", { description: "Unique over all types." }) }),
});

function nodeTypeName(id: string): string | undefined {
  const kind = idKind(id);
  return kind !== null && kind in typeNames ? typeNames[kind as keyof typeof typeNames] : undefined;
}

/** The row an id names, or null. */
export async function loadNode(context: GraphqlContext, id: string): Promise<{ readonly id: string } | null> {
  const { loaders, services } = context;
  switch (idKind(id)) {
    case "server":
      return await loaders.server.load(id);
    case "repository":
      return await loaders.repository.load(id);
    case "policy":
      return await loaders.policy.load(id);
    case "schedule":
      return await loaders.schedule.load(id);
    case "backup":
      return await loaders.backup.load(id);
    case "clone":
      return await services.metadata.clones.get(id);
    case "run":
      return await loaders.run.load(id);
    case "finding":
      return await services.metadata.findings.get(id);
    case "token":
      return await services.metadata.tokens.get(id);
    case "audit":
      return await services.metadata.audit.get(id);
    default:
      return null;
  }
}
