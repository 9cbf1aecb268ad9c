import type { GraphQLSchema } from "graphql";
import { builder } from "./builder.ts";
import "./query.ts";
import "./query-computed.ts";
import "./mutations/mutation.ts";
import "./mutations/clone-mutations.ts";
import "./mutations/copy-mutations.ts";
import "./mutations/drill-mutations.ts";
import "./mutations/find-moment-mutation.ts";
import "./mutations/repository-mutations.ts";
import "./mutations/server-mutations.ts";
import "./subscription.ts";
import "./types/node.ts";
import "./types/shared.ts";
import "./types/server.ts";
import "./types/server-check.ts";
import "./types/server-snapshot.ts";
import "./types/offline.ts";
import "./types/repository.ts";
import "./types/policy.ts";
import "./types/schedule.ts";
import "./types/backup.ts";
import "./types/clone.ts";
import "./types/run.ts";
import "./types/run-results.ts";
import "./types/found-moments.ts";
import "./types/administration.ts";

/** The whole schema; built from the code that answers it. */
export function buildSchema(): GraphQLSchema {
  return builder.toSchema({ sortSchema: true });
}
